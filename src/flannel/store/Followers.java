package flannel.store;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Those who follow a store's networks: told on the store's thread, without waiting for them. Who is too slow is given the whole list. */
final class Followers implements Committer.Listener {

    private static final int BEHIND = 4_096;

    /** Between two tries to list what can't be, since the disk fails. */
    private static final long PAUSE_MILLIS = 500;

    private static final class Follower {

        private final String network;
        private final BlockingQueue<StoreEvent> news = new ArrayBlockingQueue<>(BEHIND);
        private volatile boolean listAgain;

        private Follower(String network) {
            this.network = network;
        }

        private void tell(StoreEvent event) {
            if (!news.offer(event)) {
                listAgain = true;
            }
        }
    }

    private final String store;
    private final Contents contents;
    private final List<Follower> followers = new CopyOnWriteArrayList<>();

    /** @param store see {@link Moment#store} */
    Followers(String store, Contents contents) {
        this.store = store;
        this.contents = contents;
    }

    String store() {
        return store;
    }

    /** Follows a network until interrupted. */
    void follow(String network, Committer committer, Consumer<StoreEvent> sink) throws InterruptedException {
        Follower follower = new Follower(network);
        StoreHistory history = new StoreHistory();
        followers.add(follower);
        try {
            while (true) {
                try {
                    List<Entry> entries = new ArrayList<>();
                    String[] config = new String[1];
                    long revision = committer.commit(draft -> {
                        follower.news.clear();
                        follower.listAgain = false;
                        entries.addAll(draft.contents().leases(network));
                        config[0] = draft.contents().config(network);
                        return draft.contents().revision();
                    });
                    sink.accept(history.listed(config[0], entries, new Moment(store, revision)));
                } catch (StoreException e) {
                    sink.accept(new StoreEvent.Away(e.getMessage()));
                    Thread.sleep(PAUSE_MILLIS);
                    continue;
                }
                pass(follower, history, sink);
            }
        } finally {
            followers.remove(follower);
        }
    }

    /** Hands on what is told, until that is not enough. */
    private static void pass(Follower follower, StoreHistory history, Consumer<StoreEvent> sink) throws InterruptedException {
        while (!follower.listAgain) {
            StoreEvent event = follower.news.poll(1, TimeUnit.SECONDS);
            if (event != null) {
                history.noted(event);
                sink.accept(event);
            }
        }
    }

    @Override
    public void changed(List<Change> changes) {
        for (Change change : changes) {
            for (Follower follower : followers) {
                if (follower.network.equals(change.network())) {
                    follower.tell(event(change));
                }
            }
        }
    }

    private StoreEvent event(Change change) {
        return switch (change) {
            case Change.Config config -> new StoreEvent.ConfigChanged(config.text());
            case Change.Gone gone -> new StoreEvent.Gone(LeaseKey.of(gone.subnet()));
            // what was written again in the same record is told twice as it is now; what has gone again is told next
            case Change.Put put -> contents.lease(put.network(), put.subnet()) instanceof Lease lease ? new StoreEvent.Put(lease)
                    : new StoreEvent.Gone(LeaseKey.of(put.subnet()));
        };
    }

    @Override
    public void anew() {
        followers.forEach(follower -> follower.listAgain = true);
    }

    @Override
    public void away(String reason) {
        followers.forEach(follower -> follower.tell(new StoreEvent.Away(reason)));
    }
}
