package flannel.status;

import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What this process holds of the machine's memory, in bytes.
 *
 * @param resident    as the kernel counts it (proc(5), VmRSS)
 * @param collections of the garbage collector since the start, and the time that they took
 */
public record Memory(long resident, long heapUsed, long heapCommitted, long heapMax, long collections, Duration collecting) {

    private static final Path STATUS = Path.of("/proc/self/status");

    /** The JVM's own. A class of its own, since {@code flanneld status} needs none of the module java.management. */
    private static final class Beans {
        private static final MemoryMXBean HEAP = ManagementFactory.getMemoryMXBean();
        private static final List<GarbageCollectorMXBean> COLLECTORS = ManagementFactory.getGarbageCollectorMXBeans();
    }

    /** This process's, now. */
    public static Memory now() {
        MemoryUsage heap = Beans.HEAP.getHeapMemoryUsage();
        long collections = 0;
        long millis = 0;
        for (GarbageCollectorMXBean collector : Beans.COLLECTORS) {
            collections += collector.getCollectionCount();
            millis += collector.getCollectionTime();
        }
        return new Memory(residentNow(), heap.getUsed(), heap.getCommitted(), heap.getMax(), collections, Duration.ofMillis(millis));
    }

    private static long residentNow() {
        try {
            String status = Files.readString(STATUS);
            int start = status.indexOf("VmRSS:");
            return start < 0 ? 0 : 1024 * Long.parseLong(status.substring(start + 6, status.indexOf("kB", start)).strip());
        } catch (IOException e) {
            return 0;
        }
    }
}
