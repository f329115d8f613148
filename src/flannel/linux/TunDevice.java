package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A TUN device (Linux's Documentation/networking/tuntap.rst): a network interface whose packets a program reads and writes.
 * It exists as long as it is open. Non-blocking; reads and writes go through {@link #fd}.
 */
public final class TunDevice implements AutoCloseable {

    /** What the kernel may leave to the reader of the device, and takes from its writer (include/uapi/linux/if_tun.h). */
    public static final int TUN_F_CSUM = 0x01;
    public static final int TUN_F_TSO4 = 0x02;
    public static final int TUN_F_TSO6 = 0x04;
    public static final int TUN_F_TSO_ECN = 0x08;
    public static final int TUN_F_USO4 = 0x20;
    public static final int TUN_F_USO6 = 0x40;

    private static final String PATH = "/dev/net/tun";
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;
    private static final int IFF_TUN = 0x0001;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;

    /** struct ifreq: char name[16], then a union of 24 bytes. */
    private static final int IFREQ_SIZE = 40;
    private static final int IFNAMSIZ = 16;

    private final int fd;
    private final String name;
    private final boolean vnetHeader;

    private TunDevice(int fd, String name, boolean vnetHeader) {
        this.fd = fd;
        this.name = name;
        this.vnetHeader = vnetHeader;
    }

    /**
     * Makes the device {@code name}, or opens it if it exists as a persistent TUN device that nobody holds.
     *
     * @param vnetHeader whether each packet is to be preceded by a struct virtio_net_hdr (10 bytes)
     * @throws SystemCallException with EBUSY or EINVAL when the name belongs to a device that somebody else holds, or of another kind
     */
    public static TunDevice open(String name, boolean vnetHeader) throws SystemCallException {
        int fd = SystemCallException.check("open " + PATH, Libc.open(PATH, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC));
        TunDevice device = new TunDevice(fd, name, vnetHeader);
        int result = device.attach();
        if (result < 0) {
            Libc.close(fd);
            throw new SystemCallException("ioctl TUNSETIFF " + name, -result);
        }
        return device;
    }

    /**
     * Makes the device again after somebody deleted it: the file descriptor stays the same one.
     *
     * @return 0, or minus the error number
     */
    public int attach() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ_SIZE, 8);
            byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, request, 0, Math.min(bytes.length, IFNAMSIZ - 1));
            request.set(JAVA_SHORT, IFNAMSIZ, (short) (IFF_TUN | IFF_NO_PI | (vnetHeader ? IFF_VNET_HDR : 0)));
            return Libc.ioctl(fd, TUNSETIFF, request);
        }
    }

    /**
     * Tells the kernel what it may leave undone in packets for us.
     *
     * @param features a set of {@code TUN_F_} bits
     * @return 0, or minus the error number: EINVAL when the kernel does not know one of them
     */
    public int offload(int features) {
        return Libc.ioctl(fd, TUNSETOFFLOAD, MemorySegment.ofAddress(features));
    }

    public int fd() {
        return fd;
    }

    public String name() {
        return name;
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
