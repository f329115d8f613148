package flannel.status;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Where views get the daemon's status from: taken for each, and for one at a time. That of 20,000 peers takes some megabytes of the heap until
 * it is rendered, and whoever asks often must not end the daemon by that.
 */
public final class StatusSource {

    private final ReentrantLock viewing = new ReentrantLock();
    private final Supplier<Status> taken;

    /** @param taken takes the status as it is then; a second at most for each network whose session is stuck */
    public StatusSource(Supplier<Status> taken) {
        this.taken = taken;
    }

    /** What a view makes of the status as it is now. */
    public <T> T see(Function<Status, T> view) {
        viewing.lock();
        try {
            return view.apply(taken.get());
        } finally {
            viewing.unlock();
        }
    }
}
