package flannel.lab;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits for what the kernel or the store will show, by asking often: these have no one event to wait for. */
public final class Await {

    private static final int PERIOD_MILLIS = 10;

    private Await() {
    }

    /**
     * Asks until the answer is true.
     *
     * @param what to say in the failure, as "the route is back"
     * @return how long it took
     */
    public static Duration that(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            if (System.nanoTime() - start > Daemon.PATIENCE.toNanos()) {
                throw new AssertionError("not within " + Daemon.PATIENCE.toSeconds() + " s: " + what);
            }
            Thread.sleep(PERIOD_MILLIS);
        }
        return Duration.ofNanos(System.nanoTime() - start);
    }
}
