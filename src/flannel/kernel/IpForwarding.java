package flannel.kernel;

import flannel.log.Log;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's switch for passing IPv4 packets on between interfaces, in the calling thread's network namespace (ip-sysctl.rst). */
public final class IpForwarding {

    private static final Path SWITCH = Path.of("/proc/sys/net/ipv4/ip_forward");

    private IpForwarding() {
    }

    /** Switches it on where it is off; when that can't be done, a warning says so. */
    public static void enable(Log log) {
        try {
            if (Files.readString(SWITCH).strip().equals("0")) {
                Files.writeString(SWITCH, "1");
                log.info("Switched net.ipv4.ip_forward on");
            }
        } catch (IOException e) {
            log.warning("net.ipv4.ip_forward can't be switched on (" + e + "): packets for containers end here until it is");
        }
    }
}
