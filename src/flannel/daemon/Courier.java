package flannel.daemon;

import flannel.kernel.KernelEvent;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;

/**
 * Tells one network what all are told, and never waits for it: a session that is stuck must not keep the news from the others. One that is
 * far behind is told to look at everything in place of what it missed, and how the underlay is last. For all threads.
 */
final class Courier {

    private final BlockingQueue<Message> queue;
    private final Executor beside;
    /** The queue was full: what comes now has to wait for its turn. */
    private boolean behind;
    private boolean missed;
    /** About the underlay; null for none. */
    private Message waiting;

    /** @param beside does what takes its time */
    Courier(BlockingQueue<Message> queue, Executor beside) {
        this.queue = queue;
        this.beside = beside;
    }

    synchronized void kernel(KernelEvent event) {
        if (behind || !queue.offer(new Message.Kernel(event))) {
            missed = true;
            deliverLater();
        }
    }

    /** @param news {@link Message.UnderlayChanged} or {@link Message.UnderlayGone}: the last one counts */
    synchronized void underlay(Message news) {
        if (behind || !queue.offer(news)) {
            waiting = news;
            deliverLater();
        }
    }

    private void deliverLater() {
        if (!behind) {
            behind = true;
            beside.execute(this::deliver);
        }
    }

    private void deliver() {
        try {
            for (Message next = next(); next != null; next = next()) {
                queue.put(next);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized Message next() {
        Message next = waiting != null ? waiting : missed ? new Message.Kernel(new KernelEvent.Overrun()) : null;
        if (waiting == null) {
            missed = false;
        }
        waiting = null;
        behind = next != null;
        return next;
    }
}
