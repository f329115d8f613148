package flannel.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LeaseKeeperTest {

    private static final Ipv4 US = Ipv4.parse("192.168.32.211");
    private static final Ipv4 THEM = Ipv4.parse("192.168.32.212");
    private static final Lease.Expiry SOON = new Lease.At(Instant.now().plusSeconds(60));

    private final MemoryRegistry registry = new MemoryRegistry();
    private final LeaseKeeper keeper =
            new LeaseKeeper(registry, new Random(1), new Log(new PrintStream(OutputStream.nullOutputStream()), 0));
    private final NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");

    private static LeaseAttributes attributes(Ipv4 publicIp, String node) {
        return new LeaseAttributes(publicIp, "vxlan", JsonValue.object("VtepMAC", "6a:c2:56:ce:ab:ac"), node);
    }

    private LeaseKeeper.Acquired acquire(String previous, String... strangers) throws Exception {
        return keeper.acquire(new LeaseKeeper.Wish(config, attributes(US, "us"),
                previous == null ? null : Ipv4Subnet.parse(previous), Set.of(strangers)), registry.leases());
    }

    @Test
    void picksAFreeSubnetBetweenMinAndMax() throws Exception {
        Lease lease = acquire(null).lease();
        assertTrue(config.allows(lease.subnet()));
        assertEquals(24, lease.subnet().prefixLength());
        assertTrue(lease.expiry() instanceof Lease.At(Instant end) && end.isAfter(Instant.now().plusSeconds(86_000)));
    }

    @Test
    void takesTheLeaseOfItsOwnAddress() throws Exception {
        registry.put("10.1.42.0/24", new LeaseAttributes(US, "vxlan", null, ""), SOON);
        LeaseKeeper.Acquired acquired = acquire("10.1.99.0/24");
        assertEquals("10.1.42.0/24", acquired.lease().subnet().toString());
        assertEquals("", acquired.takenFrom());
        assertEquals("us", registry.leases().getFirst().attributes().node());
    }

    @Test
    void tellsFromWhomItTookALeaseOver() throws Exception {
        registry.put("10.1.42.0/24", attributes(US, "former"), SOON);
        assertEquals("former", acquire(null).takenFrom());
    }

    @Test
    void prefersTheLeaseItWroteItself() throws Exception {
        registry.put("10.1.42.0/24", attributes(US, "former"), SOON);
        registry.put("10.1.43.0/24", attributes(US, "us"), SOON);
        assertEquals("10.1.43.0/24", acquire(null).lease().subnet().toString());
    }

    @Test
    void leavesTheLeaseOfALivingRivalAlone() throws Exception {
        registry.put("10.1.42.0/24", attributes(US, "rival"), SOON);
        assertNotEquals("10.1.42.0/24", acquire("10.1.42.0/24", "rival").lease().subnet().toString());
    }

    @Test
    void takesThePreviousSubnetIfItIsFree() throws Exception {
        assertEquals("10.1.83.0/24", acquire("10.1.83.0/24").lease().subnet().toString());
    }

    @Test
    void doesNotTakeThePreviousSubnetFromAnother() throws Exception {
        registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON);
        assertNotEquals("10.1.83.0/24", acquire("10.1.83.0/24").lease().subnet().toString());
    }

    @Test
    void givesUpALeaseThatDoesNotFitTheConfiguration() throws Exception {
        registry.put("10.1.42.0/25", attributes(US, "us"), SOON);
        Lease lease = acquire(null).lease();
        assertEquals(24, lease.subnet().prefixLength());
        assertEquals(1, registry.leases().size());
    }

    @Test
    void aReservationStaysOne() throws Exception {
        registry.put("10.1.9.0/24", new LeaseAttributes(US, "", null, ""), new Lease.Never());
        Lease lease = acquire(null).lease();
        assertTrue(lease.isReservation());
        assertTrue(keeper.renew(lease, lease.attributes()).isReservation());
    }

    @Test
    void looksAgainWhenAnotherHostWasFaster() throws Exception {
        registry.beforeNextWrite(() -> registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON));
        Lease lease = acquire("10.1.83.0/24").lease();
        assertNotEquals("10.1.83.0/24", lease.subnet().toString());
        assertEquals(THEM, registry.leases().stream().filter(each -> each.subnet().toString().equals("10.1.83.0/24"))
                .findFirst().orElseThrow().attributes().publicIp());
    }

    @Test
    void neverOverwritesWhatItHasNotSeen() throws Exception {
        Lease lease = acquire("10.1.83.0/24").lease();
        registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON);
        assertThrows(LeaseConflictException.class, () -> keeper.renew(lease, lease.attributes()));
    }

    @Test
    void saysThatThereIsNoSubnetLeft() {
        NetworkConfig small = NetworkConfig.parse("{\"Network\":\"10.1.0.0/22\",\"SubnetLen\":24}");
        for (String subnet : new String[] {"10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"}) {
            registry.put(subnet, attributes(THEM, "them"), SOON);
        }
        RegistryException e = assertThrows(RegistryException.class, () -> keeper.acquire(
                new LeaseKeeper.Wish(small, attributes(US, "us"), null, Set.of()), registry.leases()));
        assertTrue(e.getMessage().startsWith("out of subnets: all of 10.1.1.0 ... 10.1.3.0 are leased (3 leases)"), e.getMessage());
    }
}
