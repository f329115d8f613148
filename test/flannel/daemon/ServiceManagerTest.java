package flannel.daemon;

import static flannel.linux.SystemCallException.check;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServiceManagerTest {

    private static final int PATIENCE_MILLIS = 30_000;

    /** More than a datagram socket's queue holds: net.unix.max_dgram_qlen is 512 at most by itself. */
    private static final int TOO_MANY = 2000;

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final Log log = new Log(new PrintStream(logged, true), 0);

    @TempDir
    private Path folder;

    private Path path;
    private int systemd;

    @BeforeEach
    void listen() throws SystemCallException {
        path = folder.resolve("notify");
        systemd = check("socket", LibcSocket.socket(LibcSocket.AF_UNIX, LibcSocket.SOCK_DGRAM | LibcSocket.SOCK_CLOEXEC, 0));
        try (Arena arena = Arena.ofConfined()) {
            byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
            MemorySegment address = arena.allocate(2 + name.length + 1); // struct sockaddr_un of sys/un.h
            address.set(ValueLayout.JAVA_SHORT, 0, (short) LibcSocket.AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            check("bind " + path, LibcSocket.bind(systemd, address));
        }
    }

    @AfterEach
    void close() {
        Libc.close(systemd);
    }

    /** The next datagram, waited for. */
    private String told() throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pollFd = arena.allocate(Libc.POLLFD_SIZE, 8);
            Libc.setPollFd(pollFd, 0, systemd, Libc.POLLIN);
            assertEquals(1, Libc.poll(pollFd, 1, PATIENCE_MILLIS), "nothing was told");
            MemorySegment buffer = arena.allocate(4096);
            int count = (int) check("recv", LibcSocket.recv(systemd, buffer, buffer.byteSize(), 0));
            return new String(buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    private List<String> logged() {
        return logged.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void tellsWhatItWaitsForThenThatItIsReadyThenHowItIs() throws SystemCallException {
        ServiceManager manager = new ServiceManager(path.toString(), log);
        manager.status("waiting for etcd");
        manager.status("waiting for etcd");
        manager.ready("subnet 10.1.83.0/24");
        manager.status("etcd is away");
        manager.stopping("stopped; the data path stays");
        assertEquals("STATUS=waiting for etcd", told());
        assertEquals("READY=1\nSTATUS=subnet 10.1.83.0/24", told());
        assertEquals("STATUS=etcd is away", told());
        assertEquals("STOPPING=1\nSTATUS=stopped; the data path stays", told());
        new ServiceManager(null, log).ready("nobody listens");
        assertEquals(List.of(), logged());
    }

    /** A session goes on, and what matters arrives later. */
    @Test
    void aSocketThatNobodyReadsStopsNobody() throws SystemCallException {
        ServiceManager manager = new ServiceManager(path.toString(), log);
        for (int i = 0; i < TOO_MANY; i++) {
            manager.status("status " + i);
        }
        manager.ready("ready");
        manager.status("the last");
        assertEquals(1, logged().size());
        assertTrue(logged().getFirst().contains("cannot tell the service manager"), logged()::toString);
        String told = "";
        while (!told.startsWith("READY=1\n")) {
            told = told();
        }
        assertEquals("READY=1\nSTATUS=the last", told);
        manager.status("well again");
        assertEquals("STATUS=well again", told());
        assertEquals(2, logged().size());
    }

    @Test
    void aDeadSocketIsWarnedOfOnce() {
        ServiceManager manager = new ServiceManager(folder.resolve("none").toString(), log);
        for (int i = 0; i < 100; i++) {
            manager.status("status " + i);
        }
        manager.stopping("stopped; the data path stays");
        assertEquals(1, logged().size());
    }

    /** A status quotes what a store answers. */
    @Test
    void nobodyElseSpeaksInItsName() throws SystemCallException {
        new ServiceManager(path.toString(), log).status("etcd says \"no\nMAINPID=1\nSTOPPING=1\"\u001b" + "x".repeat(100_000));
        String told = told();
        assertEquals(1, told.lines().count());
        assertTrue(told.startsWith("STATUS=etcd says \"no MAINPID=1 STOPPING=1\"\\x1bxxx") && told.length() < 1000, told);
    }
}
