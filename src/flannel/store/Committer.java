package flannel.store;

import flannel.files.FileException;
import flannel.lease.StoreException;
import flannel.log.Log;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A store's one thread: takes whatever waits, does it in memory, writes it with one record, and only then answers and tells it. While the disk
 * is busy with one record the next gathers. What can't be written is taken back, and the file is written anew before anything else is.
 */
final class Committer implements AutoCloseable {

    /** Waiting at most: more than a server has connections. */
    private static final int WAITING = 8_192;

    /** In one record at most. */
    private static final int TOGETHER = 512;

    /** For a disk that does not answer. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Between two looks at the wall clock, and between two tries to write to a disk that fails. */
    static final Duration LOOK = Duration.ofSeconds(2);

    /** Something to do; what it changes is taken back when it fails. */
    interface Operation<T> {
        T run(Draft draft) throws StoreException;
    }

    /** What the store tells, on its thread: when it has been written. */
    interface Listener {

        void changed(List<Change> changes);

        /** The wall clock was set, or the disk takes writes again: everything is to be told anew. */
        void anew();

        void away(String reason);
    }

    private record Waiting<T>(Operation<T> operation, CompletableFuture<T> answer) {

        /** @return what answers, once it is written */
        Runnable run(Draft draft) {
            int place = draft.place();
            try {
                T result = operation.run(draft);
                return () -> answer.complete(result);
            } catch (StoreException e) {
                draft.back(place);
                return () -> answer.completeExceptionally(e);
            }
        }
    }

    private final String store;
    private final Contents contents;
    private final StoreClock clock;
    private final Journal journal;
    private final Listener listener;
    private final Duration look;
    private final Log log;
    private final BlockingQueue<Waiting<?>> waiting = new ArrayBlockingQueue<>(WAITING);
    private final Thread thread = Thread.ofPlatform().name("store").daemon().unstarted(this::run);
    private volatile boolean closed;
    private String trouble = "";

    /**
     * @param store see {@link StoreRecord#store}
     * @param look  see {@link #LOOK}
     */
    Committer(String store, Contents contents, StoreClock clock, Journal journal, Listener listener, Duration look, Log log) {
        this.store = store;
        this.contents = contents;
        this.clock = clock;
        this.journal = journal;
        this.listener = listener;
        this.look = look;
        this.log = log;
    }

    void start() {
        thread.start();
    }

    /** Does something, and returns when it is written. */
    <T> T commit(Operation<T> operation) throws StoreException, InterruptedException {
        Waiting<T> one = new Waiting<>(operation, new CompletableFuture<>());
        if (closed || !waiting.offer(one)) {
            throw new StoreException("the store " + journal + (closed ? " was closed" : " has too much to write; try again"));
        }
        try {
            return one.answer().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new StoreException("the disk of " + journal + " did not take a write within " + PATIENCE.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StoreException reason) {
                throw reason;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    private void run() {
        while (!closed) {
            try {
                round();
            } catch (InterruptedException e) {
                return; // closed
            }
        }
    }

    private void round() throws InterruptedException {
        long untilEnd = Math.max(0, contents.nextEnd() - clock.now());
        Waiting<?> first = waiting.poll(Math.min(look.toMillis(), untilEnd), TimeUnit.MILLISECONDS);
        List<Waiting<?>> together = new ArrayList<>();
        if (first != null) {
            together.add(first);
            waiting.drainTo(together, TOGETHER - 1);
        }
        journal.finishRewrite();
        if (clock.wasSet()) {
            contents.tellEndsAnew();
            listener.anew();
        }
        Draft draft = new Draft(contents, clock);
        try {
            if (journal.isInDoubt()) {
                journal.rewrite(everything());
            }
            List<Runnable> answers = together.stream().map(one -> one.run(draft)).toList(); // in their order
            // behind them: who renews in the last moment has renewed
            contents.ended().forEach(put -> draft.remove(put.network(), put.subnet()));
            if (!draft.changes().isEmpty()) {
                journal.append(new StoreRecord("", contents.revision(), clock.now(), clock.wall(), draft.changes()));
                listener.changed(draft.changes());
            }
            answers.forEach(Runnable::run);
            recovered();
        } catch (IOException e) {
            draft.back(0);
            failed(together, new FileException("cannot write " + journal, e).getMessage());
        }
        if (journal.hasGrown()) {
            journal.rewriteBeside(everything(), this::wake);
        }
    }

    private StoreRecord everything() {
        return new StoreRecord(store, contents.revision(), clock.now(), clock.wall(), contents.everything());
    }

    private void recovered() {
        if (!trouble.isEmpty()) {
            log.info("The store's disk takes writes again");
            trouble = "";
            listener.anew();
        }
    }

    private void failed(List<Waiting<?>> together, String reason) {
        if (!reason.equals(trouble)) {
            trouble = reason;
            listener.away(reason);
        }
        together.forEach(one -> one.answer().completeExceptionally(new StoreException(reason)));
    }

    private void wake() {
        waiting.offer(new Waiting<>(draft -> null, new CompletableFuture<>())); // when it is full, it is awake
    }

    /** Ends with the record that is being written; who still waits is told so. */
    @Override
    public void close() throws FileException {
        closed = true;
        wake();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        waiting.forEach(one -> one.answer().completeExceptionally(new StoreException("the store " + journal + " was closed")));
        journal.close();
    }
}
