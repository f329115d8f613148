package flannel.store;

import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** A small store with clocks, a disk and a log that a test moves and reads. */
final class Bench implements AutoCloseable {

    static final String CONFIG = "{\"Network\":\"10.0.0.0/9\",\"SubnetLen\":24,\"Backend\":{\"Type\":\"vxlan\"}}";

    static final Duration LOOK = Duration.ofMillis(50);

    final Path folder;
    final TestDisk disk;
    final AtomicLong boot = new AtomicLong(1_000_000_000_000L);
    final AtomicLong wall = new AtomicLong(Instant.parse("2026-11-25T08:00:00Z").toEpochMilli());
    private final ByteArrayOutputStream lines = new ByteArrayOutputStream();
    private final Log log = new Log(new PrintStream(lines, true, StandardCharsets.UTF_8), 0);
    SmallStore store;

    Bench(Path folder) throws Exception {
        this(folder, new TestDisk(0));
    }

    Bench(Path folder, TestDisk disk) throws Exception {
        this.folder = folder;
        this.disk = disk;
        open();
    }

    void open() throws Exception {
        store = SmallStore.open(folder, true, Map.of("", CONFIG), disk, new StoreClock(boot::get, wall::get), LOOK, log);
    }

    /** The server is stopped and started again, so much later by the wall clock. */
    void restart(long awayMillis) throws Exception {
        store.close();
        boot.set(5_000_000_000L); // another boot
        wall.addAndGet(awayMillis);
        open();
    }

    void pass(long millis) {
        boot.addAndGet(millis * 1_000_000);
        wall.addAndGet(millis);
    }

    String log() {
        return lines.toString(StandardCharsets.UTF_8);
    }

    static LeaseAttributes host(int number) {
        return new LeaseAttributes(new Ipv4(0xC0A80000 + number), "vxlan", "{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}", String.format("%016x", number));
    }

    static Wish wish(int host) {
        return new Wish(NetworkConfig.parse(CONFIG), host(host), null, Set.of(), Set.of());
    }

    @Override
    public void close() throws Exception {
        store.close();
    }
}
