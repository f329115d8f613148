package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Subnets kept for a host for ever, and given free again. */
class ReservationTest {

    private static final Ipv4 US = Ipv4.parse("192.168.32.211");
    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.1.42.0/24");
    private static final LeaseAttributes OURS = new LeaseAttributes(US, "vxlan", "{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}", "us");

    private final MemoryRegistry registry = new MemoryRegistry();
    private final ServedStore store =
            new EtcdSubnetStore(registry, "here", new Random(1), new Log(new PrintStream(OutputStream.nullOutputStream()), 0));

    @Test
    void aFreeSubnetIsReservedForAHostThatIsYetToCome() throws Exception {
        assertTrue(store.reserve(SUBNET, US).isReservation());
        Lease there = registry.leases().getFirst();
        assertTrue(there.isReservation());
        assertEquals("{\"PublicIP\":\"192.168.32.211\"}", there.attributes().toJson());
        assertEquals(there, store.reserve(SUBNET, US), "asked for twice");
    }

    @Test
    void aLeaseBecomesAReservationAndALeaseAgain() throws Exception {
        registry.put("10.1.42.0/24", OURS, new Lease.At(Instant.now().plusSeconds(60)));
        store.reserve(SUBNET, US);
        assertTrue(registry.leases().getFirst().isReservation());
        assertEquals(OURS, registry.leases().getFirst().attributes());
        store.renew(registry.leases().getFirst(), OURS);
        assertTrue(registry.leases().getFirst().isReservation(), "a renewal does not end it");
        store.release(SUBNET);
        assertFalse(registry.leases().getFirst().isReservation());
    }

    @Test
    void anotherHostsSubnetStaysItsOwn() {
        registry.put("10.1.42.0/24", OURS, new Lease.Never());
        assertEquals("subnet 10.1.42.0/24 is already held by 192.168.32.211",
                assertThrows(LeaseConflictException.class, () -> store.reserve(SUBNET, Ipv4.parse("192.168.32.9"))).getMessage());
        registry.occupy("10.1.43.0-24");
        assertThrows(LeaseConflictException.class, () -> store.reserve(Ipv4Subnet.parse("10.1.43.0/24"), US));
        assertThrows(LeaseConflictException.class, () -> store.release(Ipv4Subnet.parse("10.1.44.0/24")));
    }
}
