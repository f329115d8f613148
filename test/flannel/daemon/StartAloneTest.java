package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.Moment;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host whose store can't be asked at its start goes by what it remembers, as long as that is its own to go by, and corrects itself. */
class StartAloneTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    @TempDir
    private Path folder;

    private final VirtualCluster cluster = new VirtualCluster(1);
    private VirtualCluster.Host one;
    private VirtualCluster.Host two;

    @BeforeEach
    void bothRanHereBefore() {
        one = cluster.host(1);
        two = cluster.host(2);
        one.state = folder;
        one.start();
        two.start();
        cluster.run(Duration.ofMinutes(2));
        cluster.checkAtRest();
    }

    /** The host is switched off, and comes up with nothing in its kernel while the store is away. */
    private void rebootAlone(Duration after) {
        one.kill();
        cluster.run(after);
        cluster.store.trouble("connection refused");
        one.kernel.routes().forEach(route -> one.kernel.removeRoute(route.substring(0, route.indexOf(' '))));
        one.file = null;
        one.logged.reset();
        one.start();
        cluster.run(Duration.ofSeconds(5));
    }

    private boolean isUp() {
        return one.file != null && !one.kernel.routes().isEmpty();
    }

    @Test
    void comesUpOnWhatItRemembersAndSaysSo() {
        Ipv4Subnet subnet = one.subnet();
        rebootAlone(SECOND);
        assertEquals(Set.of(two.subnet() + " via " + two.address), one.kernel.routes());
        assertEquals(subnet, one.subnet());
        assertTrue(one.status().matches("network 10.1.0.0/16 \\(host-gw\\), subnet .*connection refused; going by what this host remembers of .*"), one.status());

        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        cluster.checkAtRest();
        assertEquals(subnet, one.subnet());
        assertFalse(one.status().contains("remembers"), one.status());
        assertEquals(0, one.moves);
    }

    @Test
    void aHostThatIsGoneSinceIsForgottenWhenTheStoreAnswers() {
        one.kill();
        cluster.store.remove(two.subnet().toKey());
        two.kill();
        rebootAlone(SECOND);
        assertEquals(1, one.kernel.routes().size(), "nobody can know");
        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        assertEquals(Set.of(), one.kernel.routes());
    }

    /** What is remembered may be older than what an earlier run has put in. */
    @Test
    void whatIsInTheKernelStaysUntilTheStoreAnswers() throws Exception {
        byte[] before = Files.readAllBytes(folder.resolve("network"));
        VirtualCluster.Host three = cluster.host(3);
        three.start();
        cluster.run(Duration.ofMinutes(2));
        Set<String> both = one.kernel.routes();
        assertEquals(2, both.size());
        one.kill();
        Files.write(folder.resolve("network"), before);
        cluster.store.trouble("connection refused");
        one.start();
        cluster.run(Duration.ofMinutes(10));
        assertEquals(both, one.kernel.routes());

        three.kill();
        cluster.store.remove(three.subnet().toKey());
        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        assertEquals(Set.of(two.subnet() + " via " + two.address), one.kernel.routes());
    }

    @Test
    void leavesASubnetThatSomebodyElseWasGivenMeanwhile() {
        Ipv4Subnet subnet = one.subnet();
        one.kill();
        cluster.store.remove(subnet.toKey());
        cluster.store.put(subnet.toString(), new LeaseAttributes(Ipv4.parse("192.168.32.99"), "host-gw", null, ""),
                new Lease.At(cluster.time.wallTime().plus(Duration.ofHours(24))));
        rebootAlone(SECOND);
        assertEquals(subnet, one.subnet());
        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        assertNotEquals(subnet, one.subnet());
        assertTrue(one.kernel.routes().contains(subnet + " via 192.168.32.99"), one.kernel.routes()::toString);
    }

    @Test
    void takesUpAnotherConfigWhenTheStoreAnswers() {
        one.kill();
        cluster.store.config(VirtualCluster.CONFIG.replace("10.1.", "10.7."));
        rebootAlone(SECOND);
        assertTrue(one.file.contains("FLANNEL_NETWORK=10.1.0.0/16"), one.file);
        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        assertTrue(one.file.contains("FLANNEL_NETWORK=10.7.0.0/16"), one.file);
    }

    @Test
    void doesNotUseALeaseThatHasEnded() {
        rebootAlone(Duration.ofHours(25));
        assertFalse(isUp());
        assertTrue(one.logged.toString().contains("is no help: its lease " + one.subnet() + " has ended since"), one.logged.toString());
        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        assertTrue(isUp());
    }

    @Test
    void doesNotUseWhatIsNotAsItWroteIt() throws Exception {
        Path file = folder.resolve("network");
        Files.writeString(file, Files.readString(file).replace("192.168.32.212", "192.168.32.213"));
        rebootAlone(SECOND);
        assertFalse(isUp());
        assertEquals(1, one.logged.toString().lines().filter(line -> line.contains(file + " is not as this host wrote it: it is not used")).count());
    }

    @Test
    void doesNotUseWhatAnotherMachineRemembers() {
        one.kill();
        VirtualCluster.Host copy = cluster.host("192.168.32.211", "another mark");
        copy.state = folder;
        cluster.store.trouble("connection refused");
        copy.start();
        cluster.run(Duration.ofSeconds(5));
        assertNull(copy.file);
    }

    @Test
    void aStoreThatIsSilentIsNotWaitedForLong() {
        one.kill();
        one.file = null;
        one.start();
        for (int i = 0; i < 10 && one.file == null; i++) { // the follower says nothing at all
            cluster.time.advanceTo(cluster.time.nanos() + Duration.ofMillis(500).toNanos());
            while (one.step(2)) {
                // what the session does by itself
            }
        }
        assertTrue(one.file != null, one.logged.toString());
    }

    @Test
    void readsWhatItWrote() {
        Lease own = lease("10.1.83.0/24", new Lease.At(Instant.parse("2026-11-26T10:00:00Z")));
        Remembered remembered = new Remembered(VirtualCluster.CONFIG, new Moment("cdf818194e3a8c32", 124), Instant.parse("2026-11-25T10:00:00Z"), own,
                List.of(lease("10.1.5.0/24", new Lease.Never()), lease("10.1.6.0/24", new Lease.Unknown())));
        List<String> parts = new ArrayList<>();
        remembered.parts().forEach(parts::add);
        String text = String.join("", parts);
        assertEquals(Optional.of(remembered), Remembered.parse(text));
        assertEquals(5, parts.size());
        for (int i = 0; i < text.length(); i++) {
            assertEquals(Optional.empty(), Remembered.parse(text.substring(0, i) + (char) (text.charAt(i) ^ 1) + text.substring(i + 1)), "bit at " + i);
            assertEquals(Optional.empty(), Remembered.parse(text.substring(0, i)));
        }
        assertEquals(List.of(lease("10.1.5.0/24", new Lease.Never())), remembered.asOf(Instant.parse("2026-11-26T09:59:00Z")).map(Remembered::others)
                .map(others -> others.subList(0, 1)).orElseThrow());
        assertEquals(Optional.empty(), remembered.asOf(Instant.parse("2026-11-26T10:00:00Z")));
    }

    private static Lease lease(String subnet, Lease.Expiry expiry) {
        return new Lease(Ipv4Subnet.parse(subnet), new LeaseAttributes(Ipv4.parse("192.168.32.211"), "vxlan", "{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}", "8f14e45fceea167a"), expiry, 7);
    }
}
