package flannel.status;

import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What this process holds of the machine's memory, in bytes.
 *
 * @param resident    as the kernel counts it (proc(5), VmRSS)
 * @param collections of the garbage collector since the start, and the time that they took
 */
public record Memory(long resident, long heapUsed, long heapCommitted, long heapMax, long collections, Duration collecting) {

    /** This process's, now. Needs the module java.management, of which nothing is loaded before. */
    public static Memory now() {
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        long collections = 0;
        long millis = 0;
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            collections += collector.getCollectionCount();
            millis += collector.getCollectionTime();
        }
        return new Memory(residentNow(), heap.getUsed(), heap.getCommitted(), heap.getMax(), collections, Duration.ofMillis(millis));
    }

    private static long residentNow() {
        try {
            return 1024 * Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
