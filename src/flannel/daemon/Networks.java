package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.lease.NetworkCatalog;
import flannel.log.Log;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The networks of this daemon, as they come and go: each runs by itself, and none waits for another. One that is wanted again while it is
 * still leaving comes back when it has left. For all threads.
 */
final class Networks {

    /** More would need more file descriptors than a service has, and come from a store that somebody fills with junk. */
    static final int MOST = 250;

    /** One that is here. */
    interface Running {

        Courier courier();

        Inquiry inquiry();

        /**
         * Has it leave this host with all that it has here; it says itself when that is done.
         *
         * @param lease whether it gives its lease back too
         */
        void withdraw(boolean lease);
    }

    /** Starts networks. */
    interface Starter {

        /** @param ended to be run when it was withdrawn, and nothing of it is left; not before this method has returned */
        Running start(String name, Runnable ended);
    }

    private final NetworkSelection selection;
    private final Supplier<List<String>> remembered;
    private final Starter starter;
    private final Readiness readiness;
    private final Log log;
    private final Map<String, Running> running = new LinkedHashMap<>();
    private final Set<String> leaving = new HashSet<>();
    private final Set<String> refused = new HashSet<>();
    private Set<String> wanted = Set.of();
    private String trouble = "";
    private boolean listed;
    private boolean ending;

    /** @param remembered names of networks that this host was in, for a start at which the store can't be asked */
    Networks(NetworkSelection selection, Supplier<List<String>> remembered, Starter starter, Readiness readiness, Log log) {
        this.selection = selection;
        this.remembered = remembered;
        this.starter = starter;
        this.readiness = readiness;
        this.log = log;
    }

    /** Starts those whose coming and going is not followed. */
    void start() {
        want(new LinkedHashSet<>(selection.fixed()));
    }

    /** Told by the store which networks it has. */
    synchronized void told(NetworkCatalog.News news) {
        switch (news) {
            case NetworkCatalog.Listed(SortedSet<String> names, var at) -> {
                if (!trouble.isEmpty()) {
                    log.info("The store tells of its networks again");
                }
                trouble = "";
                Set<String> now = usable(names);
                if (!listed) {
                    now.addAll(running.keySet()); // remembered: that they are missing proves nothing yet
                }
                want(now);
                if (!listed && selection.names().isEmpty()) {
                    readiness.await(running.keySet());
                }
                listed = true;
                readiness.tell("", true, running.isEmpty() ? "waiting for networks" : "");
            }
            case NetworkCatalog.Away(String reason) -> {
                if (!reason.equals(trouble)) {
                    log.error(reason + (running.isEmpty() ? "" : "; the networks stay as they are"));
                }
                trouble = reason;
                if (!listed && running.isEmpty()) {
                    want(usable(new TreeSet<>(remembered.get())));
                }
                readiness.tell("", listed || !selection.names().isEmpty(), "networks: " + reason);
            }
        }
    }

    private Set<String> usable(SortedSet<String> names) {
        Set<String> usable = new TreeSet<>();
        for (String name : names) {
            if (!selection.names().isEmpty() && !selection.names().contains(name)) {
                continue;
            }
            if (isName(name) && usable.size() < MOST) {
                usable.add(name);
            } else if (refused.size() < MOST && refused.add(name)) {
                log.warning("ignoring network " + name + " of the store: " + (usable.size() == MOST ? "there are more than " + MOST
                        : "it can't be a network's name, " + NetworkSelection.NAME_RULE));
            }
        }
        return usable;
    }

    /** Whether it can be a network's, and a file's here. */
    static boolean isName(String name) {
        try {
            return NetworkCatalog.isName(name) && Path.of(name).getNameCount() == 1;
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private synchronized void want(Set<String> names) {
        wanted = names;
        update();
    }

    private void update() {
        if (ending) {
            return;
        }
        for (Map.Entry<String, Running> each : running.entrySet()) {
            if (!wanted.contains(each.getKey()) && leaving.add(each.getKey())) {
                log.info("Network removed: " + each.getKey());
                each.getValue().withdraw(false);
            }
        }
        for (String name : wanted) {
            if (!running.containsKey(name)) {
                if (!name.isEmpty()) {
                    log.info("Network added: " + name);
                }
                running.put(name, starter.start(name, () -> ended(name)));
            }
        }
    }

    private synchronized void ended(String name) {
        running.remove(name);
        leaving.remove(name);
        readiness.forget(name);
        notifyAll();
        update();
    }

    /** Has all of them leave this host and give their leases back, for good. Waits for that, but no longer than told. */
    synchronized void leave(Duration patience) throws InterruptedException {
        ending = true;
        running.values().forEach(network -> network.withdraw(true));
        long deadline = System.nanoTime() + patience.toNanos();
        for (long leftMillis = patience.toMillis(); !running.isEmpty() && leftMillis > 0; leftMillis = (deadline - System.nanoTime()) / 1_000_000) {
            wait(leftMillis);
        }
        if (!running.isEmpty()) {
            log.error("Not all leases could be given back within " + patience.toSeconds() + " s: what is left ends by itself within a day");
        }
    }

    /** Tells all of them what the kernel tells. */
    void heard(KernelEvent event) {
        each(network -> network.courier().kernel(event));
    }

    /** Tells all of them about the interface to the other hosts. */
    void underlay(Message news) {
        each(network -> network.courier().underlay(news));
    }

    private synchronized void each(Consumer<Running> action) {
        running.values().forEach(action);
    }

    synchronized List<Inquiry> inquiries() {
        return running.values().stream().map(Running::inquiry).toList();
    }

    /** Why it is not known which networks there are, one sentence; empty when it is. */
    synchronized String trouble() {
        return trouble;
    }
}
