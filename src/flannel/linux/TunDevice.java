package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A TUN device (Linux's Documentation/networking/tuntap.rst): a network interface whose packets a program reads and writes.
 * It exists as long as it is open. Non-blocking; reads go through {@link #readFd}, writes through {@link #writeFd}.
 *
 * <p>With several queues each packet is in the one that the hash of its flow leads to, always: all of a flow come in their order, for whoever
 * reads that queue. The kernel would also learn from what is written where a flow's answers are to go, and move the flow to that queue while
 * packets of it still wait in another (tun_flow_update in drivers/net/tun.c). So it is written through file descriptors of queues that are
 * detached, of which it learns nothing.
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
    private static final long TUNSETPERSIST = 0x400454cbL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;
    private static final long TUNSETQUEUE = 0x400454d9L;
    private static final int IFF_TUN = 0x0001;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int IFF_DETACH_QUEUE = 0x0400;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;
    private static final int IFF_TUN_EXCL = 0x8000;

    /** struct ifreq: char name[16], then a union of 24 bytes. */
    private static final int IFREQ_SIZE = 40;
    private static final int IFNAMSIZ = 16;

    private final String name;
    private final boolean vnetHeader;

    /** Of each queue; of a single one both are the same. */
    private final int[] readFds;
    private final int[] writeFds;

    private TunDevice(String name, boolean vnetHeader, int queues) {
        this.name = name;
        this.vnetHeader = vnetHeader;
        readFds = new int[queues];
        writeFds = new int[queues];
        Arrays.fill(readFds, -1);
        Arrays.fill(writeFds, -1);
    }

    /**
     * Makes the device {@code name}. One that exists as a persistent TUN device that nobody holds is opened, or made anew for more queues.
     *
     * @param vnetHeader whether each packet is to be preceded by a struct virtio_net_hdr (10 bytes)
     * @param queues     how many; of more than one the kernel counts each twice (IFF_MULTI_QUEUE, Linux 3.8; 256, before Linux 4.0 8)
     * @throws SystemCallException with EBUSY or EINVAL when the name belongs to a device that somebody else holds, or of another kind;
     *                             with E2BIG when the kernel's devices have fewer queues
     */
    public static TunDevice open(String name, boolean vnetHeader, int queues) throws SystemCallException {
        try {
            return make(name, vnetHeader, queues);
        } catch (SystemCallException e) {
            if (queues == 1 || e.errno() != Errno.EBUSY || !remove(name)) {
                throw e;
            }
            return make(name, vnetHeader, queues);
        }
    }

    /** Removes a persistent device of one queue that nobody holds; false when it is another. */
    private static boolean remove(String name) {
        try (TunDevice device = make(name, false, 1)) {
            return Libc.ioctl(device.readFds[0], TUNSETPERSIST, MemorySegment.NULL) == 0;
        } catch (SystemCallException e) {
            return false;
        }
    }

    private static TunDevice make(String name, boolean vnetHeader, int queues) throws SystemCallException {
        TunDevice device = new TunDevice(name, vnetHeader, queues);
        try {
            for (int queue = 0; queue < queues; queue++) {
                device.readFds[queue] = openFile();
                device.writeFds[queue] = queues == 1 ? device.readFds[queue] : openFile();
                // anybody may join a device with several queues, but we are not to join another daemon's
                int flags = queues > 1 && queue == 0 ? IFF_TUN_EXCL : 0;
                SystemCallException.check("ioctl TUNSETIFF " + name, device.attach(queue, flags));
            }
        } catch (SystemCallException e) {
            device.close();
            throw e;
        }
        return device;
    }

    private static int openFile() throws SystemCallException {
        return SystemCallException.check("open " + PATH, Libc.open(PATH, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC));
    }

    /**
     * Makes the device again after somebody deleted it: the file descriptors stay the same.
     *
     * @return how many queues had none, or minus the error number
     */
    public int attach() {
        int attached = 0;
        for (int queue = 0; queue < readFds.length; queue++) {
            int result = attach(queue, 0);
            if (result == 0) {
                attached++;
            } else if (result != -Errno.EEXIST) {
                return result;
            }
        }
        return attached;
    }

    private int attach(int queue, int flags) {
        if (readFds.length == 1) {
            return request(readFds[queue], TUNSETIFF, typeFlags());
        }
        int result = request(readFds[queue], TUNSETIFF, typeFlags() | IFF_MULTI_QUEUE | flags);
        result = result < 0 ? result : request(writeFds[queue], TUNSETIFF, typeFlags() | IFF_MULTI_QUEUE);
        return result < 0 ? result : request(writeFds[queue], TUNSETQUEUE, IFF_DETACH_QUEUE);
    }

    private int typeFlags() {
        return IFF_TUN | IFF_NO_PI | (vnetHeader ? IFF_VNET_HDR : 0);
    }

    private int request(int fd, long request, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ifreq = arena.allocate(IFREQ_SIZE, 8);
            byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, ifreq, 0, Math.min(bytes.length, IFNAMSIZ - 1));
            ifreq.set(JAVA_SHORT, IFNAMSIZ, (short) flags);
            return Libc.ioctl(fd, request, ifreq);
        }
    }

    /**
     * Tells the kernel what it may leave undone in packets for us.
     *
     * @param features a set of {@code TUN_F_} bits
     * @return 0, or minus the error number: EINVAL when the kernel does not know one of them
     */
    public int offload(int features) {
        return Libc.ioctl(readFds[0], TUNSETOFFLOAD, MemorySegment.ofAddress(features));
    }

    /** Where packets of that queue are read. */
    public int readFd(int queue) {
        return readFds[queue];
    }

    /** Where packets are written by whoever has that queue; the same one for a device with one queue. */
    public int writeFd(int queue) {
        return writeFds[queue];
    }

    public String name() {
        return name;
    }

    @Override
    public void close() {
        for (int queue = 0; queue < readFds.length; queue++) {
            Libc.close(readFds[queue]);
            if (writeFds[queue] != readFds[queue]) {
                Libc.close(writeFds[queue]);
            }
        }
    }
}
