package flannel.linux;

import static flannel.linux.SystemCallException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Sends datagrams to a socket in the file system or in the abstract name space: unix(7), which the JDK's channels offer for streams only. */
public final class UnixDatagram {

    /** struct sockaddr_un: sa_family_t sun_family, char sun_path[108]. */
    private static final int PATH_OFFSET = 2;
    private static final int PATH_SIZE = 108;

    private UnixDatagram() {
    }

    /**
     * Sends one datagram, at once or not at all: a receiver that does not read its queue is told as EAGAIN.
     *
     * @param path of the receiving socket; a leading {@code @} means the abstract name space
     */
    public static void send(String path, String text) throws SystemCallException {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        if (name.length >= PATH_SIZE) {
            throw new IllegalArgumentException("the socket path " + path + " is longer than " + (PATH_SIZE - 1) + " bytes");
        }
        int fd = check("socket(AF_UNIX, SOCK_DGRAM)",
                LibcSocket.socket(LibcSocket.AF_UNIX, LibcSocket.SOCK_DGRAM | LibcSocket.SOCK_CLOEXEC, 0));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(PATH_OFFSET + name.length, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) LibcSocket.AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, PATH_OFFSET, name.length);
            if (path.startsWith("@")) {
                address.set(ValueLayout.JAVA_BYTE, PATH_OFFSET, (byte) 0);
            }
            MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_BYTE, payload);
            check("send to socket " + path, LibcSocket.sendto(fd, data, payload.length, LibcSocket.MSG_DONTWAIT, address));
        } finally {
            Libc.close(fd);
        }
    }
}
