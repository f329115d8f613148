package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.KernelEvent;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.net.Ipv4;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whole histories of sessions, store and kernels, on virtual time. */
class HistoryTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    private final VirtualCluster cluster = new VirtualCluster(1);
    private final VirtualCluster.Host one = cluster.host(1);
    private final VirtualCluster.Host two = cluster.host(2);

    private void startBoth() {
        one.start();
        two.start();
        cluster.run(SECOND);
        cluster.checkAtRest();
    }

    private static LeaseAttributes go(String publicIp) {
        return new LeaseAttributes(Ipv4.parse(publicIp), "host-gw", null, "");
    }

    private Lease.At inHours(int hours) {
        return new Lease.At(cluster.time.wallTime().plus(Duration.ofHours(hours)));
    }

    /** A host whose daemon never writes again, as a Go flannel that does not notice: it renews once a day. */
    private void silentPeer(String subnet, String address) {
        cluster.store.put(subnet, go(address), inHours(24));
        cluster.run(SECOND);
    }

    // ---- a store in doubt ----

    @Test
    void anEmptiedStoreCutsNobody() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        Set<String> before = one.kernel.routes();
        assertTrue(before.contains("10.1.9.0/24 via 192.168.32.99"));
        cluster.store.wipe();
        cluster.run(SECOND);
        assertEquals(before, one.kernel.routes());
        assertEquals(2, cluster.store.leases().size(), "both hosts write their leases again, config or not");
        cluster.store.config(VirtualCluster.CONFIG);
        cluster.run(Duration.ofHours(20));
        assertEquals(before, one.kernel.routes());
        cluster.run(Duration.ofHours(5));
        assertFalse(one.kernel.routes().contains("10.1.9.0/24 via 192.168.32.99"), "its own time is over");
        cluster.checkAtRest();
        assertEquals(0, one.moves + two.moves);
    }

    @Test
    void aPrefixThatIsDeletedWithItsConfigCutsNobody() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        Set<String> before = one.kernel.routes();
        cluster.store.empty();
        cluster.run(SECOND);
        assertEquals(before, one.kernel.routes());
        assertEquals(2, cluster.store.leases().size());
        cluster.store.config(VirtualCluster.CONFIG);
        cluster.run(Duration.ofMinutes(30));
        assertEquals(before, one.kernel.routes());
    }

    @Test
    void aKeptPeerGoesWhenItsHostWritesAnother() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        cluster.store.wipe();
        cluster.run(SECOND);
        silentPeer("10.1.77.0/24", "192.168.32.99");
        assertTrue(one.kernel.routes().contains("10.1.77.0/24 via 192.168.32.99"));
        assertFalse(one.kernel.routes().contains("10.1.9.0/24 via 192.168.32.99"));
    }

    @Test
    void aKeptPeersSubnetIsNotGivenOut() {
        cluster.store.config("{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.8.0\",\"SubnetMax\":\"10.1.10.0\",\"Backend\":{\"Type\":\"host-gw\"}}");
        one.start();
        cluster.run(SECOND);
        String other = one.subnet().toString().equals("10.1.9.0/24") ? "10.1.8.0/24" : "10.1.9.0/24";
        silentPeer(other, "192.168.32.99");
        cluster.store.wipe();
        cluster.run(SECOND);
        cluster.store.put(one.subnet().toString(), go("192.168.32.98"), inHours(24));
        cluster.run(SECOND);
        assertFalse(one.subnet().toString().equals(other), "moved to the third, not to the kept one's");
        assertEquals(1, one.moves);
    }

    @Test
    void aReservationStaysOneForEver() {
        cluster.store.put("10.1.77.0/24", new LeaseAttributes(Ipv4.parse("192.168.32.211"), "", null, ""), new Lease.Never());
        startBoth();
        cluster.run(Duration.ofDays(3));
        assertEquals("10.1.77.0/24", one.subnet().toString());
        Lease reserved = cluster.store.leases().stream().filter(lease -> lease.subnet().equals(one.subnet())).findFirst().orElseThrow();
        assertTrue(reserved.isReservation());
        assertEquals("host-gw", reserved.attributes().backendType(), "which its host has written");
    }

    @Test
    void aSingleLeaseThatIsDeletedIsGone() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        cluster.store.remove("10.1.9.0-24");
        cluster.run(SECOND);
        cluster.checkAtRest();
    }

    @Test
    void aLeaseThatVanishedWhileNobodyListenedIsGone() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        cluster.store.trouble("no leader");
        cluster.run(SECOND);
        cluster.store.trouble(null);
        cluster.store.remove("10.1.9.0-24");
        one.relist();
        two.relist();
        cluster.run(SECOND);
        cluster.checkAtRest();
    }

    /** Fifty peers that the backup does not know. */
    @Test
    void anOlderBackupCutsNobody() {
        startBoth();
        Runnable restore = cluster.store.backup();
        for (int i = 0; i < 50; i++) {
            silentPeer("10.1." + (150 + i) + ".0/24", "192.168.32." + (100 + i));
        }
        Set<String> before = one.kernel.routes();
        assertEquals(51, before.size());
        restore.run();
        cluster.run(Duration.ofMinutes(1));
        assertEquals(before, one.kernel.routes());
        assertTrue(one.isAlive() && two.isAlive());
        for (int i = 0; i < 50; i++) {
            silentPeer("10.1." + (150 + i) + ".0/24", "192.168.32." + (100 + i));
        }
        assertEquals(before, one.kernel.routes());
        assertEquals(0, one.moves + two.moves);
    }

    @Test
    void aRestoredLeaseThatIsAboutToEndIsRenewed() {
        startBoth();
        Runnable restore = cluster.store.backup();
        cluster.run(Duration.ofHours(30));
        restore.run();
        cluster.run(Duration.ofMinutes(1));
        for (Lease lease : cluster.store.leases()) {
            assertTrue(((Lease.At) lease.expiry()).instant().isAfter(cluster.time.wallTime().plus(Duration.ofHours(20))), lease.toString());
        }
        cluster.checkAtRest();
    }

    /** The revisions have come up to where they were, so nothing but a value shows it. */
    @Test
    void aBackupRestoredAndWrittenToSinceIsNoticed() {
        startBoth();
        Runnable restore = cluster.store.backup();
        silentPeer("10.1.8.0/24", "192.168.32.98");
        silentPeer("10.1.9.0/24", "192.168.32.99");
        cluster.store.trouble("no leader");
        cluster.run(SECOND);
        restore.run();
        silentPeer("10.1.8.0/24", "192.168.32.97");
        silentPeer("10.1.10.0/24", "192.168.32.96");
        silentPeer("10.1.11.0/24", "192.168.32.95");
        cluster.store.trouble(null);
        cluster.run(SECOND);
        assertTrue(one.kernel.routes().contains("10.1.9.0/24 via 192.168.32.99"), one.kernel.routes().toString());
    }

    // ---- time ----

    @Test
    void aClockThatIsSetChangesNothing() {
        startBoth();
        for (Duration by : new Duration[] {Duration.ofHours(-8), Duration.ofDays(400), Duration.ofDays(-800)}) {
            cluster.time.setWall(by);
            KernelEvent gone = one.kernel.removeRoute(two.subnet().toString());
            one.tell(gone);
            cluster.run(SECOND);
            cluster.checkAtRest();
            assertNull(retries(one), "nothing waits for the wall clock");
        }
    }

    private static String retries(VirtualCluster.Host host) {
        return host.logged.toString().lines().filter(line -> line.contains("again")).findFirst().orElse(null);
    }

    @Test
    void leasesAreRenewedForWeeksWhateverTheClockDoes() {
        startBoth();
        for (int day = 0; day < 30; day++) {
            cluster.time.setWall(Duration.ofHours(day % 2 == 0 ? 7 : -7));
            cluster.run(Duration.ofHours(24));
            cluster.checkAtRest();
        }
        assertEquals(0, one.moves + two.moves);
        assertTrue(one.logged.toString().lines().filter(line -> line.contains("Lease renewed")).count() >= 29);
    }

    @Test
    void renewalsOfHostsThatStartedTogetherAreApart() {
        for (int i = 3; i <= 20; i++) {
            cluster.host(i);
        }
        cluster.hosts.forEach(VirtualCluster.Host::start);
        cluster.run(SECOND);
        cluster.run(Duration.ofHours(24));
        long minutes = cluster.store.leases().stream().map(lease -> ((Lease.At) lease.expiry()).instant().getEpochSecond() / 60).distinct().count();
        assertTrue(minutes > 10, "20 renewals fell into " + minutes + " minutes");
    }

    // ---- what is there and can't be read ----

    @Test
    void anOwnKeyThatWasMadeUnreadableIsWrittenAgain() {
        startBoth();
        String key = one.subnet().toKey();
        Set<String> before = two.kernel.routes();
        cluster.store.occupy(key);
        cluster.run(SECOND);
        assertEquals(before, two.kernel.routes());
        cluster.checkAtRest();
        assertEquals(0, one.moves);
    }

    /** Whoever did that, it was not the peer's host, which has not said that it is gone. */
    @Test
    void aPeerWhoseKeyWasMadeUnreadableIsFollowedUntilItIsDeleted() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        Set<String> before = one.kernel.routes();
        cluster.store.occupy("10.1.9.0-24");
        cluster.run(SECOND);
        one.relist();
        two.relist();
        cluster.run(SECOND);
        assertEquals(before, one.kernel.routes());
        assertTrue(one.logged.toString().contains("going on with what it said before"), one.logged.toString());
        assertFalse(one.logged.toString().contains("The store has lost"), one.logged.toString());
        cluster.store.remove("10.1.9.0-24");
        cluster.run(SECOND);
        cluster.checkAtRest();
    }

    @Test
    void aPeerWhoseKeyWasMadeUnreadableIsFollowedUntilItsTimeIsOver() {
        startBoth();
        silentPeer("10.1.9.0/24", "192.168.32.99");
        cluster.store.occupy("10.1.9.0-24");
        cluster.run(Duration.ofHours(23));
        assertTrue(one.kernel.routes().contains("10.1.9.0/24 via 192.168.32.99"));
        cluster.run(Duration.ofHours(2));
        cluster.checkAtRest();
    }

    @Test
    void aHostThatStartsPicksAroundAnUnreadableKeyOfItsSubnet() {
        startBoth();
        String before = one.subnet().toString();
        one.kill();
        cluster.store.occupy(one.subnet().toKey());
        one.start();
        cluster.run(SECOND);
        assertNotEquals(before, one.subnet().toString());
        cluster.checkAtRest();
    }

    @Test
    void aFightOverAValueIsSlowedDown() {
        startBoth();
        long start = cluster.store.entries().getFirst().asOf();
        for (int i = 0; i < 600; i++) {
            // a tool that mirrors an old value each tenth of a second
            cluster.store.put(one.subnet().toString(), new LeaseAttributes(one.address, "host-gw", null, ""), inHours(24));
            cluster.run(Duration.ofMillis(100));
        }
        long writes = cluster.store.entries().stream().mapToLong(entry -> entry.asOf()).max().orElseThrow() - start - 600;
        assertTrue(writes < 30, "in a minute: " + writes + " writes of our own");
        assertTrue(one.logged.toString().lines().count() < 40, one.logged.toString());
        cluster.run(Duration.ofMinutes(1));
        cluster.checkAtRest();
    }

    /** What the other hosts have of such a fight, by two daemons or a tool that copies keys: one change a second, and the last value. */
    @Test
    void aKeyThatIsWrittenInTurnChangesRoutesOnceASecond() {
        startBoth();
        int changesBefore = two.kernel.changes();
        long linesBefore = two.logged.toString().lines().count();
        for (int i = 0; i < 600; i++) {
            cluster.store.put("10.1.9.0/24", go(i % 2 == 0 ? "192.168.32.98" : "192.168.32.99"), inHours(24));
            if (i % 3 == 0) {
                cluster.store.remove("10.1.9.0-24");
            }
            cluster.run(Duration.ofMillis(16));
        }
        cluster.store.put("10.1.9.0/24", go("192.168.32.97"), inHours(24));
        cluster.run(Duration.ofMillis(1_500));
        assertTrue(two.kernel.routes().contains("10.1.9.0/24 via 192.168.32.97"), two.kernel.routes().toString());
        int changes = two.kernel.changes() - changesBefore;
        long lines = two.logged.toString().lines().count() - linesBefore;
        assertTrue(changes <= 35 && lines <= 35, "in ten seconds: " + changes + " changes of the kernel, " + lines + " lines of log");
    }

    // ---- who this host is ----

    @Test
    void aRenumberedHostKeepsItsSubnet() {
        startBoth();
        VirtualCluster.Host moved = cluster.host("192.168.32.77", "mark1");
        one.kill();
        moved.start();
        cluster.run(Duration.ofSeconds(10));
        assertEquals(one.subnet(), moved.subnet());
        cluster.checkAtRest();
        assertEquals(2, cluster.store.leases().size());
    }

    /** The same mark on two machines that live: the copy has to move. */
    @Test
    void aCopyOfAMachineTakesNothingFromIt() {
        startBoth();
        VirtualCluster.Host copy = cluster.host("192.168.32.77", "mark1");
        copy.start();
        cluster.run(Duration.ofSeconds(30));
        assertNotEquals(one.subnet(), copy.subnet());
        assertEquals(0, one.moves);
        assertTrue(one.logged.toString().contains("two machines bear the mark mark1"), one.logged.toString());
    }

    @Test
    void aRivalWithoutMemoryNeverEvictsTheRightfulHost() {
        startBoth();
        for (int start = 0; start < 8; start++) {
            VirtualCluster.Host rival = cluster.host(one.address.toString(), "rival" + start);
            rival.start();
            cluster.run(Duration.ofMinutes(11));
            rival.kill();
            cluster.hosts.remove(rival);
        }
        assertEquals(0, one.moves, one.logged.toString());
    }

    // ---- the config ----

    @Test
    void aLeaseDeletedAfterAnotherConfigWasWrittenMovesTheNetwork() {
        startBoth();
        cluster.store.config("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
        cluster.run(SECOND);
        assertTrue(one.subnet().toString().startsWith("10.1."));
        cluster.store.leases().forEach(lease -> cluster.store.remove(lease.key().name()));
        cluster.run(SECOND);
        assertTrue(one.subnet().toString().startsWith("10.5.") && two.subnet().toString().startsWith("10.5."));
        cluster.checkAtRest();
    }

    @Test
    void aConfigThatIsDeletedAndRestoredIsNoEvent() {
        startBoth();
        Set<String> before = one.kernel.routes();
        cluster.store.config(null);
        cluster.run(Duration.ofMinutes(10));
        VirtualCluster.Host three = cluster.host(3);
        three.start();
        cluster.run(SECOND);
        assertNull(three.subnet());
        assertEquals(before, one.kernel.routes());
        cluster.store.config(VirtualCluster.CONFIG);
        cluster.run(SECOND);
        cluster.checkAtRest();
    }

    @Test
    void theStatusTellsWhatIsWrongAsLongAsItIs() {
        cluster.store.trouble("no leader");
        one.start();
        cluster.run(SECOND);
        assertEquals("waiting for the store: no leader", one.status());
        cluster.store.trouble(null);
        cluster.run(Duration.ofSeconds(10));
        String well = "network 10.1.0.0/16 (host-gw), subnet " + one.subnet() + ", public address 192.168.32.211";
        assertEquals(well, one.status());
        cluster.store.trouble("no leader");
        one.relist();
        cluster.run(SECOND);
        assertEquals(well + "; no leader", one.status());
        cluster.store.trouble(null);
        cluster.store.config("{\"Network\":\"10.5.0.0/16\"}");
        cluster.run(Duration.ofSeconds(10));
        assertEquals(well + "; the network config has changed: restart flanneld to use it", one.status());
    }

    // ---- repairs ----

    /** A12: an entry of ours that is deleted between two leases. */
    @Test
    void aRepairIsNotForgottenForANewLease() {
        startBoth();
        KernelEvent gone = one.kernel.removeRoute(two.subnet().toString());
        cluster.store.put("10.1.9.0/24", go("192.168.32.99"), inHours(24));
        one.tell(gone);
        cluster.store.put("10.1.10.0/24", go("192.168.32.98"), inHours(24));
        cluster.run(SECOND);
        assertTrue(one.kernel.routes().contains(two.subnet() + " via " + two.address), one.kernel.routes().toString());
    }

    @Test
    void theReasonsAreToldAtVerbosityOne() {
        one.verbosity = 1;
        startBoth();
        String route = two.subnet() + " via " + two.address;
        one.tell(one.kernel.removeRoute(two.subnet().toString()));
        cluster.run(SECOND);
        String logged = one.logged.toString();
        assertTrue(logged.contains("This host remembers no subnet that it had\n"), logged);
        assertTrue(logged.lines().anyMatch(line -> line.matches(".*\\] Put right: .*" + route + ".*")), logged);
        assertFalse(logged.contains("proves nothing"));
        cluster.store.wipe();
        cluster.run(Duration.ofSeconds(5));
        assertTrue(one.logged.toString().contains("What is missing from the store's list proves nothing: it is of store "), one.logged.toString());
        assertFalse(two.logged.toString().contains("Put right") || two.logged.toString().contains("proves nothing"));
    }

    @Test
    void routesThatTheKernelFlushedInSilenceComeBackWithTheAddress() {
        startBoth();
        Set<String> before = one.kernel.routes();
        one.tell(one.kernel.flushAddress());
        one.tell(one.kernel.restoreAddress());
        cluster.run(SECOND);
        assertEquals(before, one.kernel.routes());
    }

    @Test
    void aSubnetFileThatIsRemovedComesBack() {
        startBoth();
        String text = one.file;
        one.file = null;
        cluster.run(Duration.ofSeconds(15));
        assertEquals(text, one.file);
    }
}
