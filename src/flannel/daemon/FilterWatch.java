package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.kernel.PacketFilter;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Has the packet filter looked at, for all networks together: when the kernel tells that somebody changed its rules, and now and then. */
final class FilterWatch {

    /** Something may get lost between a notification and us, even so. */
    private static final Duration FULL_CHECK = Duration.ofMinutes(5);

    /** Between two looks: other programs may change their rules all the time. */
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final PacketFilter filter;
    private final Duration interval;
    private final Semaphore changes = new Semaphore(0);

    /** @param interval how often to look where nobody tells of changes */
    FilterWatch(PacketFilter filter, Duration interval) {
        this.filter = filter;
        this.interval = interval;
    }

    /** To be told of all that the kernel tells. */
    void heard(KernelEvent event) {
        if (event instanceof KernelEvent.RulesChanged) {
            changes.release();
        }
    }

    /** Runs until interrupted. */
    void run() throws InterruptedException {
        while (true) {
            changes.tryAcquire((filter.isTold() ? FULL_CHECK : interval).toNanos(), TimeUnit.NANOSECONDS);
            changes.drainPermits();
            filter.verify();
            Thread.sleep(PAUSE);
        }
    }
}
