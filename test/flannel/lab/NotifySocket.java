package flannel.lab;

import static flannel.linux.SystemCallException.check;

import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** systemd's side of sd_notify(3): a datagram socket whose path a daemon is given as NOTIFY_SOCKET. */
public final class NotifySocket implements AutoCloseable {

    private static final int POLL_MILLIS = 100;

    private final Path path;
    private final int fd;
    private final Thread reader;
    private volatile boolean closed;

    /** @param sink is told each line of each datagram ("READY=1", "STATUS=..."), by a thread of this socket */
    public NotifySocket(Path path, Consumer<String> sink) throws IOException {
        this.path = path;
        Files.deleteIfExists(path);
        fd = check("socket AF_UNIX", LibcSocket.socket(LibcSocket.AF_UNIX, LibcSocket.SOCK_DGRAM | LibcSocket.SOCK_CLOEXEC, 0));
        try (Arena arena = Arena.ofConfined()) {
            byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
            MemorySegment address = arena.allocate(2 + name.length + 1);        // struct sockaddr_un of sys/un.h
            address.set(ValueLayout.JAVA_SHORT, 0, (short) LibcSocket.AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            check("bind " + path, LibcSocket.bind(fd, address));
        }
        reader = Thread.ofPlatform().daemon().name("notify").start(() -> read(sink));
    }

    private void read(Consumer<String> sink) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pollFd = arena.allocate(Libc.POLLFD_SIZE, 8);
            MemorySegment buffer = arena.allocate(4096);
            while (!closed) {
                Libc.setPollFd(pollFd, 0, fd, Libc.POLLIN);
                if (Libc.poll(pollFd, 1, POLL_MILLIS) > 0) {
                    int count = (int) LibcSocket.recv(fd, buffer, buffer.byteSize(), LibcSocket.MSG_DONTWAIT);
                    byte[] bytes = count <= 0 ? new byte[0] : buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
                    new String(bytes, StandardCharsets.UTF_8).lines().forEach(sink);
                }
            }
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;             // by now the number of the descriptor may be somebody else's
        }
        closed = true;
        try {
            reader.join();
            Files.deleteIfExists(path);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // its folder is removed as a whole later
        }
        Libc.close(fd);
    }
}
