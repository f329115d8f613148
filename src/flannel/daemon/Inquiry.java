package flannel.daemon;

import flannel.status.NetworkStatus;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks one network's session how it is. One question is under way at a time, whoever asks: a session that hangs is not buried under them. For
 * all threads.
 */
final class Inquiry {

    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final String network;
    private final BlockingQueue<Message> queue;
    private CompletableFuture<NetworkStatus.Known> answer = CompletableFuture.completedFuture(null);
    private boolean posted;
    private long askedNanos;

    Inquiry(String network, BlockingQueue<Message> queue) {
        this.network = network;
        this.queue = queue;
    }

    /** An answer that is under way. */
    interface Awaited {

        /** What it says; that it is stuck, when it has said nothing within a second of the question. */
        NetworkStatus get() throws InterruptedException;
    }

    /** Asks, and does not wait: many can be asked at a time. */
    Awaited ask() {
        CompletableFuture<NetworkStatus.Known> awaited = question();
        long untilNanos = System.nanoTime() + PATIENCE.toNanos();
        return () -> await(awaited, Duration.ofNanos(untilNanos - System.nanoTime()));
    }

    NetworkStatus ask(Duration patience) throws InterruptedException {
        return await(question(), patience);
    }

    private NetworkStatus await(CompletableFuture<NetworkStatus.Known> awaited, Duration patience) throws InterruptedException {
        try {
            return awaited.get(Math.max(0, patience.toNanos()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return new NetworkStatus.Stuck(network, waiting());
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private synchronized CompletableFuture<NetworkStatus.Known> question() {
        if (answer.isDone()) {
            answer = new CompletableFuture<>();
            askedNanos = System.nanoTime();
            posted = false;
        }
        posted = posted || queue.offer(new Message.Report(answer)); // a full queue is that of a session far behind
        return answer;
    }

    private synchronized Duration waiting() {
        return Duration.ofNanos(System.nanoTime() - askedNanos);
    }
}
