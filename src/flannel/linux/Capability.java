package flannel.linux;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A privilege that root has and other users have not; capabilities(7), numbers of include/uapi/linux/capability.h. */
public enum Capability {

    /** Links, addresses, routes, packet filter. */
    NET_ADMIN(12);

    private final int bit;

    Capability(int bit) {
        this.bit = bit;
    }

    /** Whether this process has it; true when /proc does not tell: then the kernel will. */
    public boolean isEffective() {
        try {
            return isEffective(Files.readAllLines(Path.of("/proc/self/status")));
        } catch (IOException e) {
            return true;
        }
    }

    /** The same of a process's status file; proc(5): {@code CapEff}, a mask in hexadecimal digits. */
    boolean isEffective(List<String> status) {
        return status.stream().filter(line -> line.startsWith("CapEff:")).findFirst()
                .map(line -> new BigInteger(line.substring("CapEff:".length()).strip(), 16).testBit(bit)).orElse(true);
    }
}
