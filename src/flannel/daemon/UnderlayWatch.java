package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.kernel.Underlay;
import flannel.kernel.UnderlayException;
import flannel.kernel.Underlays;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/** Follows the interface to the other hosts, and tells the networks when it or its address changes, goes, or comes back. */
final class UnderlayWatch {

    /** An address that goes and comes back within this time (a lease of DHCP renewed, an interface set up anew) has moved nobody. */
    private static final long SETTLING_MILLIS = 300;

    private final Underlays.Selection selection;
    private final Semaphore doubts = new Semaphore(0);
    private volatile Underlay current;
    private boolean missing;

    UnderlayWatch(Underlays.Selection selection, Underlay current) {
        this.selection = selection;
        this.current = current;
    }

    /** As it is, or was last. */
    Underlay current() {
        return current;
    }

    /** To be told of all that the kernel tells, before the networks are: they are to know the interface by the name it has now. */
    synchronized void heard(KernelEvent event, Consumer<Message> sink) {
        if (Underlays.concerns(event, missing ? null : current)) {
            look(false, sink);
        }
    }

    /** Looks again some time after an address was lost. Runs until interrupted. */
    void run(Consumer<Message> sink) throws InterruptedException {
        while (true) {
            doubts.acquire();
            Thread.sleep(SETTLING_MILLIS);
            doubts.drainPermits();
            look(true, sink);
        }
    }

    private synchronized void look(boolean settled, Consumer<Message> sink) {
        try {
            Underlay now = Underlays.follow(selection, current);
            if (!settled && !missing && !now.address().equals(current.address())) {
                doubts.release();
            } else if (missing || !now.equals(current)) {
                current = now;
                missing = false;
                sink.accept(new Message.UnderlayChanged(now));
            }
        } catch (UnderlayException e) {
            if (!settled && !missing) {
                doubts.release();
            } else {
                missing = true;
                sink.accept(new Message.UnderlayGone(e.getMessage()));
            }
        }
    }
}
