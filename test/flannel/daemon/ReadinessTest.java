package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.NotifySocket;
import flannel.log.Log;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When the service manager is told that several networks are ready, and in what words. */
class ReadinessTest {

    @TempDir
    private Path folder;
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    private NotifySocket socket;
    private ServiceManager manager;

    @BeforeEach
    void listen() throws Exception {
        socket = new NotifySocket(folder.resolve("notify"), told::add);
        manager = new ServiceManager(folder.resolve("notify").toString(), log);
    }

    @AfterEach
    void close() {
        socket.close();
    }

    private void assertTold(String line) throws InterruptedException {
        assertEquals(line, told.poll(30, TimeUnit.SECONDS));
    }

    @Test
    void allThatAreNamed() throws Exception {
        Readiness readiness = new Readiness(manager, List.of("blue", "green"));
        readiness.tell("blue", true, "up");
        assertTold("STATUS=blue: up");
        readiness.tell("green", false, "no config");
        assertTold("STATUS=blue: up; green: no config");
        readiness.tell("red", true, "up");
        assertTold("STATUS=blue: up; green: no config; red: up");
        readiness.tell("green", true, "up");
        assertTold("READY=1");
        assertTold("STATUS=blue: up; green: up; red: up");
    }

    /** Nobody has named it: it must not fail the daemon that the others are in. */
    @Test
    void allThatThereAreButWhoHasSaidWhyNot() throws Exception {
        Readiness readiness = new Readiness(manager, List.of(""));
        readiness.tell("", false, "networks: no etcd");
        assertTold("STATUS=networks: no etcd");
        readiness.await(List.of("blue", "green"));
        readiness.tell("", true, "");
        assertTold("STATUS=");
        readiness.tell("blue", false, "not JSON");
        assertTold("STATUS=blue: not JSON");
        readiness.tell("green", true, "up");
        assertTold("READY=1");
        assertTold("STATUS=blue: not JSON; green: up");
        readiness.forget("blue");
        assertTold("STATUS=green: up");
    }

    @Test
    void ofManyThoseThatAreNotWell() {
        Readiness readiness = new Readiness(new ServiceManager("", log), List.of(""));
        readiness.tell("", true, "");
        for (int i = 0; i < 64; i++) {
            readiness.tell("n" + i, i != 7, i == 7 ? "no config" : "up");
        }
        assertEquals("63 of 64 networks are up; n7: no config", readiness.text());
        for (int i = 0; i < 64; i++) {
            readiness.tell("m" + i, false, "x".repeat(100));
        }
        assertTrue(readiness.text().length() < 1_200 && readiness.text().endsWith("; and 57 more are not"), readiness.text());
    }
}
