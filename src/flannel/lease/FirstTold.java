package flannel.lease;

import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Asks once what else is followed. */
final class FirstTold {

    /** Longer than a store's own time limits. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private FirstTold() {
    }

    /** As {@link SubnetStore#follow} is. */
    interface Following<T> {
        void follow(Consumer<T> sink) throws InterruptedException;
    }

    /** The first that is told; null when there is nothing. */
    static <T> T of(Following<T> following, Duration patience) throws InterruptedException {
        BlockingQueue<T> told = new ArrayBlockingQueue<>(1);
        Thread follower = Thread.ofVirtual().start(() -> {
            try {
                following.follow(told::offer); // the first is enough
            } catch (InterruptedException e) {
                // it was told
            }
        });
        try {
            return told.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            follower.interrupt();
            follower.join();
        }
    }
}
