package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.KernelEvent.Appeared;
import flannel.kernel.KernelEvent.Vanished;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import org.junit.jupiter.api.Test;

/** What is told of who changed something. */
class SuspectTest {

    private static final Found.Link DEVICE = new Found.Link(7, "flannel.1", true, false, 1450, 1000, MacAddress.parse("6a:c2:56:ce:ab:ac"), "vxlan", null);
    private static final Found ADDRESS = new Found.Address(7, Ipv4.parse("10.1.83.0"), 32);

    private static Found.Route route(int protocol) {
        return new Found.Route(2, Ipv4Subnet.parse("10.1.12.0/24"), Ipv4.parse("192.168.32.9"), false, protocol, 0, 0, true);
    }

    private static String text(KernelEvent event) {
        return Suspect.of(event).text();
    }

    @Test
    void whatTheKernelTells() {
        assertEquals("device flannel.1 was deleted", text(new Vanished(DEVICE)));
        assertEquals("removed by ip (process 815)", text(new Vanished(route(241), "ip (process 815)")));
        assertEquals("changed by bird (process 9), route protocol bird", text(new Appeared(route(12), "bird (process 9)")));
        assertEquals("changed, route protocol 200", text(new Appeared(route(200))));
        assertEquals("changed by process 4711", text(new Appeared(ADDRESS, "process 4711")));
        assertEquals("", text(new KernelEvent.Overrun()));
    }

    @Test
    void theOneThatTellsMost() {
        Suspect silent = Suspect.of(new Vanished(ADDRESS));
        Suspect named = Suspect.of(new Vanished(ADDRESS, "ip (process 815)"));
        Suspect device = Suspect.of(new Vanished(DEVICE));
        assertEquals(silent, Suspect.NONE.or(silent));
        assertEquals(device, silent.or(named).or(device).or(named));
        assertEquals(named, named.or(Suspect.of(new Vanished(ADDRESS, "ip (process 816)"))));
    }

    @Test
    void processesByTheirPorts() {
        int self = (int) ProcessHandle.current().pid();
        assertTrue(Suspect.process(self).endsWith(" (process " + self + ")"), Suspect.process(self));
        assertEquals("", Suspect.process(0));
        assertEquals("", Suspect.process(-4_100));
        assertEquals("process " + Integer.MAX_VALUE, Suspect.process(Integer.MAX_VALUE));
    }
}
