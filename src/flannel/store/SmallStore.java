package flannel.store;

import flannel.files.FileException;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Moment;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.lease.StoreException;
import flannel.log.Log;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * A store of a server's own, {@code -store}: config and leases in memory, and in a file that every change is in before it is answered.
 *
 * <p>After a start no lease ends for an hour: while the server was away no host could renew, and how long it was away the wall clock tells,
 * which may be wrong.
 */
public final class SmallStore implements ServedCatalog {

    private static final Duration GRACE = Duration.ofHours(1);

    private final StoreFolder folder;
    private final Committer committer;
    private final Followers followers;
    private final Log log;

    private SmallStore(StoreFolder folder, Committer committer, Followers followers, Log log) {
        this.folder = folder;
        this.committer = committer;
        this.followers = followers;
        this.log = log;
    }

    /**
     * Opens the store, and makes it when it isn't there.
     *
     * @throws FileException            with a sentence, when another process has it, or it can't be read or written
     * @throws IllegalArgumentException with a sentence, when {@code -net-config} can't be used
     */
    public static SmallStore open(StoreOptions options, Log log) throws FileException, InterruptedException {
        return open(options.directory(), true, options.configs(), new Journal.Disk() { }, StoreClock.system(), Committer.LOOK, log);
    }

    /** @param make whether to make it when it isn't there */
    static SmallStore open(Path directory, boolean make, Map<String, String> configs, Journal.Disk disk, StoreClock clock, Duration look, Log log)
            throws FileException, InterruptedException {
        StoreFolder folder = StoreFolder.open(directory, make);
        SmallStore store;
        try {
            Journal journal = new Journal(folder, disk, log);
            Contents contents = new Contents(clock);
            if (!make && !journal.exists()) {
                throw new FileException("there is no store in " + folder + " (-store)");
            }
            String name = journal.exists() ? read(journal, contents, clock) : make(journal, clock);
            Followers followers = new Followers(name, contents);
            store = new SmallStore(folder, new Committer(name, contents, clock, journal, followers, look, log), followers, log);
        } catch (FileException e) {
            folder.close();
            throw e;
        }
        store.committer.start();
        store.setConfigs(configs);
        return store;
    }

    /**
     * Opens the store of a server that does not run.
     *
     * @throws FileException with a sentence, when there is none, or a server has it
     */
    public static SmallStore openStopped(Path directory, Log log) throws FileException, InterruptedException {
        return open(directory, false, Map.of(), new Journal.Disk() { }, StoreClock.system(), Committer.LOOK, log);
    }

    /**
     * Keeps of a damaged store what can be read: the file is written anew, and the damaged one kept beside it.
     *
     * @return what was done, a sentence
     */
    public static String repair(Path directory, Log log) throws FileException {
        try (StoreFolder folder = StoreFolder.open(directory, false); Journal journal = new Journal(folder, new Journal.Disk() { }, log)) {
            StoreClock clock = StoreClock.system();
            Contents contents = new Contents(clock);
            List<StoreRecord> records = journal.readWhatIsLeft();
            if (records.isEmpty()) {
                throw new FileException("no record of " + journal + " can be read: put a copy of the file in its place, or begin anew by removing it;"
                        + " hosts whose daemons run ask for the subnets that they have");
            }
            for (StoreRecord record : records) {
                record.changes().forEach(contents::apply);
                contents.startAt(record.revision());
            }
            clock.resume(records.getLast().clock(), records.getLast().wall());
            Path kept = journal.setAside();
            // another store than before, for whoever followed that: what is missing is not gone
            try {
                journal.rewrite(new StoreRecord(HexFormat.of().toHexDigits(RandomGenerator.getDefault().nextLong()), contents.revision(), clock.now(),
                        clock.wall(), contents.everything()));
            } catch (IOException e) {
                throw new FileException("cannot write " + journal, e);
            }
            return "kept " + contents.leaseCount() + " leases" + (contents.config("") == null ? ", and no network config: give -net-config at the next start"
                    : " and the network config") + "; the damaged file is " + kept;
        }
    }

    private static String make(Journal journal, StoreClock clock) throws FileException {
        String name = HexFormat.of().toHexDigits(RandomGenerator.getDefault().nextLong());
        try {
            journal.rewrite(new StoreRecord(name, 0, clock.now(), clock.wall(), List.of()));
        } catch (IOException e) {
            throw new FileException("cannot write " + journal, e);
        }
        return name;
    }

    private static String read(Journal journal, Contents contents, StoreClock clock) throws FileException {
        List<StoreRecord> records = journal.read();
        for (StoreRecord record : records) {
            record.changes().forEach(contents::apply);
            contents.startAt(record.revision());
        }
        clock.resume(records.getLast().clock(), records.getLast().wall());
        contents.keepUntil(clock.now() + GRACE.toMillis());
        return records.getFirst().store();
    }

    private void setConfigs(Map<String, String> configs) throws FileException, InterruptedException {
        for (Map.Entry<String, String> given : configs.entrySet()) {
            String network = given.getKey();
            try {
                String kept = committer.commit(draft -> {
                    String now = draft.contents().config(network);
                    if (now == null) {
                        draft.config(network, given.getValue());
                    }
                    return now;
                });
                if (kept != null && !JsonValue.parse(kept).equals(JsonValue.parse(given.getValue()))) {
                    log.warning("The store has the network config " + kept + " already, and keeps it: -net-config is for the first start only");
                }
            } catch (StoreException | JsonException e) {
                close();
                throw new FileException("the network config could not be stored: " + e.getMessage());
            }
        }
    }

    @Override
    public ServedStore network(String name) {
        return new StoredNetwork(name, folder, committer, followers, RandomGenerator.getDefault(), log.of(name));
    }

    @Override
    public String place() {
        return "networks by name in the store " + folder + " (-net-config=NAME=...)";
    }

    /** Those that have a config; that is so from the start. */
    @Override
    public void follow(Consumer<News> sink) throws InterruptedException {
        try {
            sink.accept(committer.commit(draft -> new Listed(new TreeSet<>(draft.contents().networks()),
                    new Moment(followers.store(), draft.contents().revision()))));
        } catch (StoreException e) {
            sink.accept(new Away(e.getMessage()));
        }
        new CountDownLatch(1).await(); // there is nothing more to tell
    }

    /** Ends the writing, and lets another process have it. */
    @Override
    public void close() {
        try {
            committer.close();
            folder.close();
        } catch (FileException e) {
            log.warning(e.getMessage()); // what was answered is written
        }
    }
}
