package flannel.daemon;

import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What outlives a reboot, under {@code /var/lib/flannel}: the installation's random number ({@code node-id}) and a copy of the subnet
 * file. Both are conveniences: when the folder can't be written the daemon works without, and says so once.
 */
public final class StateDirectory {

    private static final int MARK_BYTES = 8;

    private final Path folder;
    private final Log log;
    private final String nodeId;

    public StateDirectory(Path folder, Log log) {
        this.folder = folder;
        this.log = log;
        this.nodeId = nodeId();
    }

    private String nodeId() {
        Path file = folder.resolve("node-id");
        try {
            if (Files.exists(file)) {
                return Files.readString(file).strip();
            }
            byte[] random = new byte[16];
            new SecureRandom().nextBytes(random);
            String id = HexFormat.of().formatHex(random);
            SubnetFile.replace(file, id + "\n");
            return id;
        } catch (IOException e) {
            log.warning("cannot keep this host's id and subnet in " + folder + " (" + e + "); after a reboot it may get another subnet");
            return machineId();
        }
    }

    /** systemd's machine id; see machine-id(5). Only used hashed, as that page asks. */
    private static String machineId() {
        try {
            return Files.readString(Path.of("/etc/machine-id")).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * The mark that tells this host from another with the same PublicIP. It depends on the installation and on the interface's MAC: cloned
     * machines differ in one of the two at least.
     */
    String nodeMark(MacAddress underlay) {
        return HexFormat.of().formatHex(hash("node " + nodeId + " " + underlay), 0, MARK_BYTES);
    }

    /** A MAC for a VXLAN device of this host: the same at each start, another for each network, interface and host. */
    MacAddress vtepMac(int vni, MacAddress underlay, Ipv4 address) {
        byte[] hash = hash("vtep " + nodeId + " " + vni + " " + underlay + " " + address);
        return new MacAddress(ByteBuffer.wrap(hash).getLong()).asLocalUnicast();
    }

    private static byte[] hash(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }

    /** The subnet this host had when the daemon last ran; empty when that is not known. */
    Optional<Ipv4Subnet> previousSubnet() {
        return SubnetFile.subnetIn(folder.resolve("subnet.env"));
    }

    void remember(SubnetFile subnet) {
        try {
            SubnetFile.replace(folder.resolve("subnet.env"), subnet.text());
        } catch (IOException e) {
            log.warning("cannot remember the subnet in " + folder + ": " + e);
        }
    }
}
