package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class NetworkNamespaceTest {

    @Test
    void commandsAndThreadsRunInsideAndItGoesWhenClosed() throws Exception {
        NetworkNamespace left = Needs.namespace("left");
        try (left; NetworkNamespace right = Needs.namespace("right")) {
            left.connect("eth0", right, "eth7");
            assertTrue(right.run("ip", "link").contains("eth7"));
            assertTrue(right.call(() -> Files.readString(Path.of("/proc/thread-self/net/dev"))).contains("eth7"));
            assertEquals(1, left.tryRun("false").exitCode());
            assertThrows(AssertionError.class, () -> left.run("false"));
            assertThrows(IOException.class, () -> left.call(() -> {
                throw new IOException("handed on");
            }));
        }
        assertFalse(Files.exists(left.path()));
    }
}
