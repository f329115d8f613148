package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
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
        return new LeaseAttributes(publicIp, "vxlan", JsonValue.object("VtepMAC", "6a:c2:56:ce:ab:ac").toString(), node);
    }

    private Taken take(String previous, Holder... strangers) throws Exception {
        return keeper.take(wish(config, previous, strangers), registry.entries());
    }

    private static Wish wish(NetworkConfig config, String previous, Holder... strangers) {
        return new Wish(config, attributes(US, "us"), previous == null ? null : Ipv4Subnet.parse(previous), Set.of(strangers),
                Set.of(Ipv4Subnet.parse("10.1.200.0/24")));
    }

    @Test
    void picksAFreeSubnetBetweenMinAndMax() throws Exception {
        Lease lease = take(null).lease();
        assertTrue(config.allows(lease.subnet()));
        assertEquals(24, lease.subnet().prefixLength());
        assertTrue(lease.expiry() instanceof Lease.At(Instant end) && end.isAfter(Instant.now().plusSeconds(86_000)));
    }

    @Test
    void takesTheLeaseOfItsOwnAddress() throws Exception {
        registry.put("10.1.42.0/24", new LeaseAttributes(US, "vxlan", null, ""), SOON);
        Taken taken = take("10.1.99.0/24");
        assertEquals("10.1.42.0/24", taken.lease().subnet().toString());
        assertNull(taken.from());
        assertEquals("us", registry.leases().getFirst().attributes().node());
    }

    /** A server takes leases for Go daemons, none of which has a mark. */
    @Test
    void aHostWithoutAMarkIsKnownByItsAddressAlone() throws Exception {
        registry.put("10.1.42.0/24", attributes(THEM, ""), SOON);
        Wish wish = new Wish(config, attributes(US, ""), null, Set.of(), Set.of());
        Lease first = keeper.take(wish, registry.entries()).lease();
        assertNotEquals("10.1.42.0/24", first.subnet().toString());
        assertEquals(first.subnet(), keeper.take(wish, registry.entries()).lease().subnet());
        assertEquals(2, registry.leases().size());
    }

    @Test
    void tellsFromWhomItTookALeaseOver() throws Exception {
        registry.put("10.1.42.0/24", attributes(US, "former"), SOON);
        assertEquals("former", take(null).from().node());
    }

    @Test
    void prefersTheLeaseItWroteItself() throws Exception {
        registry.put("10.1.42.0/24", attributes(US, "former"), SOON);
        registry.put("10.1.43.0/24", attributes(US, "us"), SOON);
        assertEquals("10.1.43.0/24", take(null).lease().subnet().toString());
    }

    @Test
    void leavesTheLeaseOfALivingRivalAlone() throws Exception {
        registry.put("10.1.42.0/24", attributes(US, "rival"), SOON);
        assertNotEquals("10.1.42.0/24", take("10.1.42.0/24", new Holder(US, "rival")).lease().subnet().toString());
    }

    @Test
    void takesThePreviousSubnetIfItIsFree() throws Exception {
        assertEquals("10.1.83.0/24", take("10.1.83.0/24").lease().subnet().toString());
    }

    @Test
    void doesNotTakeThePreviousSubnetFromAnother() throws Exception {
        registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON);
        assertNotEquals("10.1.83.0/24", take("10.1.83.0/24").lease().subnet().toString());
    }

    @Test
    void givesUpALeaseThatDoesNotFitTheConfiguration() throws Exception {
        registry.put("10.1.42.0/25", attributes(US, "us"), SOON);
        Lease lease = take(null).lease();
        assertEquals(24, lease.subnet().prefixLength());
        assertEquals(1, registry.leases().size());
    }

    @Test
    void aReservationStaysOne() throws Exception {
        registry.put("10.1.9.0/24", new LeaseAttributes(US, "", null, ""), new Lease.Never());
        Lease lease = take(null).lease();
        assertTrue(lease.isReservation());
        assertTrue(registry.update(lease, lease.attributes(), Lease.TIME_TO_LIVE).isReservation());
    }

    @Test
    void looksAgainWhenAnotherHostWasFaster() throws Exception {
        registry.beforeNextWrite(() -> registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON));
        Lease lease = take("10.1.83.0/24").lease();
        assertNotEquals("10.1.83.0/24", lease.subnet().toString());
        assertEquals(THEM, registry.leases().stream().filter(each -> each.subnet().toString().equals("10.1.83.0/24"))
                .findFirst().orElseThrow().attributes().publicIp());
    }

    @Test
    void neverOverwritesWhatItHasNotSeen() throws Exception {
        Lease lease = take("10.1.83.0/24").lease();
        registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON);
        assertThrows(LeaseConflictException.class, () -> registry.update(lease, lease.attributes(), Lease.TIME_TO_LIVE));
    }

    @Test
    void saysThatThereIsNoSubnetLeft() {
        NetworkConfig small = NetworkConfig.parse("{\"Network\":\"10.1.0.0/22\",\"SubnetLen\":24}");
        for (String subnet : new String[] {"10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"}) {
            registry.put(subnet, attributes(THEM, "them"), SOON);
        }
        StoreException e = assertThrows(StoreException.class, () -> keeper.take(wish(small, null), registry.entries()));
        assertTrue(e.getMessage().startsWith("out of subnets: all of 10.1.1.0 ... 10.1.3.0 are leased (4 leases)"), e.getMessage());
    }

    @Test
    void knowsItsOwnLeaseByTheMarkWhateverAddressItTells() throws Exception {
        registry.put("10.1.42.0/24", attributes(THEM, "us"), SOON);
        Taken taken = take(null);
        assertEquals("10.1.42.0/24", taken.lease().subnet().toString());
        assertEquals(THEM, taken.from().publicIp(), "a copy of this machine may have written it");
        assertEquals(US, registry.leases().getFirst().attributes().publicIp());
    }

    @Test
    void leavesTheLeaseOfALivingCopyOfThisMachineAlone() throws Exception {
        registry.put("10.1.42.0/24", attributes(THEM, "us"), SOON);
        assertNotEquals("10.1.42.0/24", take("10.1.42.0/24", new Holder(THEM, "us")).lease().subnet().toString());
    }

    @Test
    void whatCannotBeReadIsNotTaken() throws Exception {
        registry.occupy("10.1.83.0-24");
        registry.occupy("10.1.84.0-24&fd00::-64");
        assertNotEquals("10.1.83.0/24", take("10.1.83.0/24").lease().subnet().toString());
        registry.occupy("10.1.85.0-24");
        NetworkConfig two = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.83.0\",\"SubnetMax\":\"10.1.85.0\"}");
        registry.leases().forEach(lease -> registry.occupy(lease.key().name()));
        assertThrows(StoreException.class, () -> keeper.take(wish(two, "10.1.84.0/24"), registry.entries()));
    }

    /** Something is in the way that no list shows. */
    @Test
    void aSubnetThatCannotBeHadIsForgotten() throws Exception {
        Lease hidden = registry.put("10.1.83.0/24", attributes(THEM, "them"), SOON);
        Taken taken = new LeaseKeeper(new Hiding(registry, hidden), new Random(1), new Log(new PrintStream(OutputStream.nullOutputStream()), 0))
                .take(wish(config, "10.1.83.0/24"), List.of());
        assertNotEquals("10.1.83.0/24", taken.lease().subnet().toString());
    }

    private record Hiding(MemoryRegistry registry, Lease hidden) implements LeaseRegistry {

        @Override
        public Snapshot list() {
            List<Entry> shown = registry.entries().stream().filter(entry -> !entry.key().equals(hidden.key())).toList();
            return new Snapshot(null, shown, new Cursor(1, ""));
        }

        @Override
        public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws StoreException {
            return registry.create(subnet, attributes, timeToLive);
        }

        @Override
        public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException {
            return registry.update(held, attributes, timeToLive);
        }

        @Override
        public void delete(Lease held) throws StoreException {
            registry.delete(held);
        }

        @Override
        public void close() {
        }
    }
}
