package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.kernel.Underlay;
import flannel.kernel.UnderlayException;
import flannel.kernel.Underlays;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Follows the interface to the other hosts, and tells the networks when it or its address changes, goes, or comes back. */
final class UnderlayWatch {

    /** Between two looks: a renumbering is a burst of notifications. */
    private static final long PAUSE_MILLIS = 50;

    /** What may bring an address back, a default route say, is not always told. */
    private static final long MISSING_RETRY_MILLIS = 5_000;

    private final Underlays.Selection selection;
    private final Consumer<Message> sink;
    private final Semaphore news = new Semaphore(0);
    private volatile Underlay current;
    private volatile boolean missing;

    UnderlayWatch(Underlays.Selection selection, Underlay current, Consumer<Message> sink) {
        this.selection = selection;
        this.current = current;
        this.sink = sink;
    }

    /** To be told of all that the kernel tells. Returns at once. */
    void heard(KernelEvent event) {
        if (Underlays.concerns(event, missing ? null : current)) {
            news.release();
        }
    }

    /** Looks whenever there is a reason to, until interrupted. */
    void run() throws InterruptedException {
        while (true) {
            if (missing) {
                news.tryAcquire(MISSING_RETRY_MILLIS, TimeUnit.MILLISECONDS);
            } else {
                news.acquire();
            }
            news.drainPermits();
            look();
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private void look() {
        try {
            Underlay now = Underlays.follow(selection, current);
            boolean told = missing || !now.equals(current);
            current = now;
            missing = false;
            if (told) {
                sink.accept(new Message.UnderlayChanged(now));
            }
        } catch (UnderlayException e) {
            missing = true;
            sink.accept(new Message.UnderlayGone(e.getMessage()));
        }
    }
}
