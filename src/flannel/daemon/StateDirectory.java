package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.json.JsonValue.Str;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What outlives a reboot, under {@code /var/lib/flannel}:
 *
 * <pre>
 *   node-id          the installation's random number
 *   node             the mark by which other hosts know this one, and the network cards by which it knows itself:
 *                    {"mark":"8f14e45fceea167a","macs":["52:54:00:12:34:56"]}
 *   subnet.env, ...  the default network's memory ({@link NetworkMemory}), and
 *   networks/NAME/   that of each other network
 * </pre>
 *
 * All of it is a convenience: when the folder can't be used, or strangers could change what is in it, the daemon works without and says so
 * once.
 */
public final class StateDirectory {

    private static final String NODE_ID = "node-id";
    private static final String NODE = "node";
    private static final String NETWORKS = "networks";

    /** What is there beside the networks' memories. */
    static final List<String> FILES = List.of(NODE_ID, NODE);

    private static final int LIMIT_BYTES = 1 << 16;
    private static final Pattern ID = Pattern.compile("[0-9A-Za-z-]{16,64}");
    private static final int MARK_BYTES = 8;
    private static final Pattern MARK = Pattern.compile("[0-9a-f]{16}");

    /** Enough for the cards that a host may have had; a driver that makes up an address at each start must not fill the file. */
    private static final int MACS_KEPT = 16;

    private final Path folder;
    private final Log log;
    private final boolean usable;
    private final String nodeId;
    private volatile boolean told;

    public StateDirectory(Path folder, Log log) {
        this.folder = folder;
        this.log = log;
        this.usable = isOwn();
        this.nodeId = nodeId();
    }

    private boolean isOwn() {
        try {
            SmallFiles.ownFolder(folder);
            return true;
        } catch (FileException e) {
            complain(e);
            return false;
        }
    }

    /** @param trouble with something in here, whose name comes first */
    void complain(String trouble) {
        log.warning(folder + "/" + trouble);
    }

    private void complain(FileException reason) {
        if (!told) {
            log.warning("cannot keep this host's id and subnet: " + reason.getMessage() + "; after a reboot it may get another subnet");
        }
        told = true;
    }

    /** The mark in a folder that a daemon had, which is not changed; empty when there is none that can be read. */
    static Optional<String> mark(Path folder) throws FileException {
        try {
            return SmallFiles.find(folder.resolve(NODE), LIMIT_BYTES, LinkOption.NOFOLLOW_LINKS).map(text -> Node.parse(text).mark());
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The names of the networks that such a folder has memories of, but for the one without a name. */
    static List<String> networks(Path folder) throws IOException {
        Path networks = folder.resolve(NETWORKS);
        if (!Files.isDirectory(networks, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(networks)) {
            return all.map(file -> URLDecoder.decode(file.getFileName().toString(), StandardCharsets.UTF_8)).filter(Networks::isName).sorted().toList();
        } catch (IllegalArgumentException e) {
            return List.of(); // somebody else's
        }
    }

    /** The text of a file in here; empty when there is none that can be used. */
    Optional<String> read(String name) {
        return read(name, LIMIT_BYTES);
    }

    Optional<String> read(String name, int limitBytes) {
        try {
            return usable ? SmallFiles.find(folder.resolve(name), limitBytes, LinkOption.NOFOLLOW_LINKS) : Optional.empty();
        } catch (FileException e) {
            log.warning(e.getMessage() + "; going on as if it were not there");
            return Optional.empty();
        }
    }

    /** True when the file will be there the next time. */
    boolean write(String name, String text) {
        return write(name, List.of(text));
    }

    boolean write(String name, Iterable<String> parts) {
        if (!usable) {
            return false;
        }
        try {
            SmallFiles.replace(folder.resolve(name), parts, Readers.ALL);
            told = false;
            return true;
        } catch (FileException e) {
            complain(e);
            return false;
        }
    }

    /** Removes a file that may be in here, or an empty folder. */
    void remove(String name) {
        try {
            if (usable) {
                SmallFiles.remove(folder.resolve(name));
            }
        } catch (FileException e) {
            log.warning(e.getMessage());
        }
    }

    private String nodeId() {
        Optional<String> kept = read(NODE_ID).map(String::strip);
        if (kept.isPresent() && ID.matcher(kept.get()).matches()) {
            return kept.get();
        }
        if (kept.isPresent()) {
            log.warning(folder.resolve(NODE_ID) + " holds no host's id; this host gets a new one");
        }
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        String id = HexFormat.of().formatHex(random);
        return write(NODE_ID, id + "\n") ? id : machineId();
    }

    /** systemd's machine id; see machine-id(5). Only used hashed, as that page asks. */
    private static String machineId() {
        try {
            return SmallFiles.read(Path.of("/etc/machine-id"), LIMIT_BYTES).strip();
        } catch (FileException e) {
            return "";
        }
    }

    /** The file {@code node}. */
    private record Node(String mark, List<MacAddress> macs) {

        /** @throws IllegalArgumentException when it is not what {@link #toString} writes */
        static Node parse(String text) {
            try {
                JsonValue json = JsonValue.parse(text);
                String mark = json.text("mark");
                if (!MARK.matcher(mark).matches()) {
                    throw new IllegalArgumentException("no mark");
                }
                return new Node(mark, json.list("macs").stream()
                        .map(mac -> MacAddress.parse(mac instanceof Str(String address) ? address : "")).toList());
            } catch (JsonException e) {
                throw new IllegalArgumentException(e);
            }
        }

        /** Links without an address of their own, like tunnels, tell no machine from another. */
        Node with(MacAddress mac) {
            List<MacAddress> all = new ArrayList<>(macs);
            if (mac.bits() != 0 && !all.contains(mac)) {
                all.add(mac);
            }
            return new Node(mark, all.subList(Math.max(0, all.size() - MACS_KEPT), all.size()));
        }

        @Override
        public String toString() {
            return JsonValue.object("mark", mark, "macs", macs.stream().map(MacAddress::toString).toList()) + "\n";
        }
    }

    /**
     * The mark that tells this host from another with the same PublicIP. It stays when another interface is chosen, as long as the machine
     * has one of the network cards that it was known by. A machine with none of them is a copy of another one, and gets a mark of its own.
     *
     * @param underlay the interface to the other hosts
     * @param present  all interfaces of this machine
     */
    String nodeMark(MacAddress underlay, Collection<MacAddress> present) {
        // also what daemons had that did not remember it, so their leases are known
        Node first = new Node(HexFormat.of().formatHex(hash("node " + nodeId + " " + underlay), 0, MARK_BYTES), List.of());
        Optional<Node> kept = node();
        Node now = kept.filter(node -> node.macs().isEmpty() || node.macs().stream().anyMatch(present::contains)).orElse(first)
                .with(underlay);
        if (kept.isPresent() && !kept.get().mark().equals(now.mark())) {
            log.warning("this machine has none of the network cards " + kept.get().macs() + " that " + folder.resolve(NODE)
                    + " knows it by: taking it for a copy of another host, it gets a mark of its own");
        }
        if (!kept.equals(Optional.of(now))) {
            write(NODE, now.toString());
        }
        return now.mark();
    }

    private Optional<Node> node() {
        try {
            return read(NODE).map(Node::parse);
        } catch (IllegalArgumentException e) {
            log.warning(folder.resolve(NODE) + " does not hold a host's mark; it is written anew");
            return Optional.empty();
        }
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

    /** @param name of a network as it stands in the store, any text; empty for the network of a daemon that has one only */
    NetworkMemory forNetwork(String name) {
        return new NetworkMemory(this, folderOf(name));
    }

    /** Where the files of a network are in such a folder: empty, or with a slash at its end. */
    static String folderOf(String network) {
        String file = URLEncoder.encode(network, StandardCharsets.UTF_8).replaceFirst("^\\.", "%2E"); // no slash, and not ".."
        return network.isEmpty() ? "" : NETWORKS + "/" + file + "/";
    }
}
