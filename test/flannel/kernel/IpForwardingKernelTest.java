package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.log.Log;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class IpForwardingKernelTest {

    @Test
    void itIsSwitchedOnOnce() throws Exception {
        ByteArrayOutputStream logged = new ByteArrayOutputStream();
        Log log = new Log(new PrintStream(logged, true), 0);
        try (NetworkNamespace host = Needs.namespace("forward")) {
            host.run("sysctl", "-qw", "net.ipv4.ip_forward=0");
            host.call(() -> IpForwarding.enable(log));
            assertEquals("net.ipv4.ip_forward = 1", host.run("sysctl", "net.ipv4.ip_forward").strip());
            host.call(() -> IpForwarding.enable(log));
            assertEquals(1, logged.toString().lines().count());
        }
    }
}
