package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** What ethtool(8) asks of a network device, in the calling thread's network namespace (include/uapi/linux/ethtool.h). */
public final class Ethtool {

    private static final long SIOCETHTOOL = 0x8946;
    private static final int ETHTOOL_GTXCSUM = 0x16;
    private static final int ETHTOOL_STXCSUM = 0x17;

    /** struct ifreq: char name[16], then a union of 24 bytes, of which a pointer is used. */
    private static final int IFREQ_SIZE = 40;
    private static final int IFNAMSIZ = 16;

    private Ethtool() {
    }

    /** Whether checksums of what is sent are left to the device. */
    public static boolean sendChecksums(String device) throws SystemCallException {
        return value("ethtool: read sending checksums of " + device, device, ETHTOOL_GTXCSUM, 0) != 0;
    }

    public static void setSendChecksums(String device, boolean on) throws SystemCallException {
        value("ethtool: switch sending checksums of " + device + (on ? " on" : " off"), device, ETHTOOL_STXCSUM, on ? 1 : 0);
    }

    /** A command whose argument is a struct ethtool_value, u32 cmd and u32 data, for which any socket does. */
    private static int value(String what, String device, int command, int data) throws SystemCallException {
        byte[] name = device.getBytes(StandardCharsets.US_ASCII);
        if (name.length >= IFNAMSIZ) {
            throw new SystemCallException(what, Errno.ENODEV);
        }
        int socket = SystemCallException.check(what, LibcSocket.socket(LibcSocket.AF_INET, LibcSocket.SOCK_DGRAM | LibcSocket.SOCK_CLOEXEC, 0));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(8, 4);
            argument.set(JAVA_INT, 0, command);
            argument.set(JAVA_INT, 4, data);
            MemorySegment request = arena.allocate(IFREQ_SIZE, 8);
            MemorySegment.copy(MemorySegment.ofArray(name), 0, request, 0, name.length);
            request.set(JAVA_LONG, IFNAMSIZ, Binding.pointer(argument));
            SystemCallException.check(what, Libc.ioctl(socket, SIOCETHTOOL, request));
            return argument.get(JAVA_INT, 4);
        } finally {
            Libc.close(socket);
        }
    }
}
