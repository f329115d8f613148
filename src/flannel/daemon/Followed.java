package flannel.daemon;

import flannel.lease.NetworkCatalog;
import flannel.lease.StoreEvent;
import flannel.lease.SubnetStore;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * A network's store that is followed already, and the queue of the session that is to be told. So its first answer can be on its way while
 * this host is looked at.
 */
record Followed(SubnetStore store, BlockingQueue<Message> queue, Thread follower) {

    /** Waiting for a network's thread at most; what tells them can wait. */
    private static final int MESSAGES = 1_000;

    /** @param fatal told when the follower has died */
    static Followed start(NetworkCatalog catalog, String name, Consumer<Throwable> fatal) {
        SubnetStore store = catalog.network(name);
        BlockingQueue<Message> queue = newQueue();
        Thread follower = Thread.ofVirtual().name("store-follower " + name).start(() -> {
            try {
                follow(store, queue);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Throwable t) {
                fatal.accept(t);
            }
        });
        return new Followed(store, queue, follower);
    }

    static BlockingQueue<Message> newQueue() {
        return new ArrayBlockingQueue<>(MESSAGES, true); // fair: the store's news must not starve behind the kernel's
    }

    /** Follows a store until interrupted. What may be large is waited for, so that never two of it are on their way. */
    static void follow(SubnetStore store, BlockingQueue<Message> queue) throws InterruptedException {
        store.follow(event -> {
            put(queue, new Message.Store(event));
            if (event instanceof StoreEvent.Listed || event instanceof StoreEvent.ConfigChanged) {
                CountDownLatch reached = new CountDownLatch(1);
                put(queue, new Message.Reached(reached::countDown));
                await(reached);
            }
        });
    }

    /** Waits for room; an interrupt ends that, and stays to be seen. */
    static void put(BlockingQueue<Message> queue, Message message) {
        try {
            queue.put(message);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void await(CountDownLatch reached) {
        try {
            reached.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
