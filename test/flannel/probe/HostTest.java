package flannel.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where a backend's hosts answer, and how they are asked. */
class HostTest {

    private static final Ipv4Subnet SUBNET = new Ipv4Subnet(Ipv4.parse("10.1.83.0"), 24);
    private static final Ipv4 PUBLIC_IP = Ipv4.parse("192.168.32.211");

    private static List<String> addresses(String backendType) {
        return Host.of(backendType, SUBNET, PUBLIC_IP).addresses().stream().map(Ipv4::toString).toList();
    }

    @Test
    void theDeviceElseTheBridgeElseTheHost() {
        assertEquals(List.of("10.1.83.0", "10.1.83.1"), addresses("vxlan"));
        assertEquals(List.of("10.1.83.0", "10.1.83.1"), addresses("udp"));
        assertEquals(List.of("10.1.83.1", "192.168.32.211"), addresses("host-gw"));
        assertEquals(List.of("10.1.83.1", "192.168.32.211"), addresses("alloc"));
    }

    @Test
    void smallPacketsAndFullOnes() {
        Plan plan = Plan.of("vxlan", 1450, 3, Duration.ofMillis(200), Duration.ofSeconds(1));
        assertEquals(List.of(84, 1450), plan.sizes());
        assertEquals(1, plan.hops());
    }

    @Test
    void aSizeThatCannotBeSent() {
        for (int bytes : new int[] {39, 65_536}) {
            assertThrows(IllegalArgumentException.class, () -> new Plan(List.of(bytes), 1, Duration.ofMillis(1), Duration.ofMillis(1), 1));
        }
    }
}
