package flannel.kernel;

import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Keeps the iptables rules of all networks, in chains of our own: masquerading (nat FLANNEL-POSTRTG) and the acceptance of forwarded
 * packets (filter FLANNEL-FWD). A check is one short process for each table, {@code iptables-save}; what is out of order is mended by one
 * {@code iptables-restore}. Nothing is taken away at the end: a restart leaves no gap. The programs take their time, so they run on a
 * thread of their own; the methods are for any thread.
 *
 * <p>Never fails: what can't be done is said in the log, once while it lasts.
 */
public final class PacketFilter {

    private static final String REPAIR = "Put iptables rules back in order: ";

    private final Log log;
    private final boolean kernelTells;
    private final Supplier<Optional<IptablesPrograms>> installed;
    private final Executor thread;
    private final AtomicBoolean checkPending = new AtomicBoolean();
    private volatile boolean told;
    private volatile Report report = new Report("", 0, null, "");
    /** What networks want from now on, empty for nothing, until the thread takes it up: sixty networks that start together are one set-up. */
    private final Map<String, Optional<Rules>> wishes = new HashMap<>();
    private CompletableFuture<Void> setUp = CompletableFuture.completedFuture(null);

    // from here on that thread's own
    private final SortedMap<String, Rules> networks = new TreeMap<>();
    /** How this iptables writes a chain that we put in, by name: versions differ. */
    private final Map<String, List<String>> readBack = new HashMap<>();
    private IptablesPrograms programs;
    private boolean canBeFullyRandom = true;
    private String complaint = "";

    /**
     * Looks after the network namespace of this process.
     *
     * @param kernelTells whether changes to nftables rules are heard: {@link KernelMonitor#hearsRules}
     */
    public PacketFilter(boolean kernelTells, Log log) {
        this(kernelTells, log, IptablesPrograms::find,
                Executors.newSingleThreadExecutor(Thread.ofVirtual().name("packet-filter").factory()));
    }

    PacketFilter(boolean kernelTells, Log log, Supplier<Optional<IptablesPrograms>> installed, Executor thread) {
        this.log = log;
        this.kernelTells = kernelTells;
        this.installed = installed;
        this.thread = thread;
    }

    /**
     * What is wanted for one network.
     *
     * @param network     the overlay's range
     * @param own         this host's subnet
     * @param masquerade  whether what leaves the overlay gets the host's address
     * @param forward     whether the overlay's packets are let through FORWARD
     * @param fullyRandom whether masquerading picks ports at random, where it can: two connections then seldom race for one
     * @param guard       interface whose packets are not forwarded to link-local addresses (RFC 3927 asks that of routers; clouds have the
     *                    metadata service there, which gives away who asks in this host's name); empty for none
     */
    public record Rules(Ipv4Subnet network, Ipv4Subnet own, boolean masquerade, boolean forward, boolean fullyRandom, String guard) {

        public Rules(Ipv4Subnet network, Ipv4Subnet own, boolean masquerade, boolean forward, boolean fullyRandom) {
            this(network, own, masquerade, forward, fullyRandom, "");
        }
    }

    /**
     * Puts a network's rules in place, and takes away those that flannel 0.7.1 left and those of ours that are no longer wanted.
     *
     * @param network its name, whatever the caller knows it by
     * @return done when the rules are in place or can't be had
     */
    public CompletableFuture<Void> apply(String network, Rules wanted) {
        return wish(network, Optional.of(wanted));
    }

    /** Takes a network's rules away; those of the others stay. */
    public CompletableFuture<Void> remove(String network) {
        return wish(network, Optional.empty());
    }

    /**
     * Takes our chains and the jumps to them away, whatever networks they were for; for a host where no daemon runs.
     *
     * @return the chains that were there, with their tables
     * @throws IOException when they can't be read or removed, with what the programs say
     */
    static List<String> removeAll() throws IOException, InterruptedException {
        Optional<IptablesPrograms> programs = IptablesPrograms.find();
        if (programs.isEmpty()) {
            return List.of(); // then none was put in
        }
        List<FilterChain> unwanted = List.of(FilterChain.masquerade(List.of(), false), FilterChain.forward(List.of()));
        FilterTables tables = FilterTables.parse(programs.get().save(), unwanted);
        List<FilterChain> there = unwanted.stream().filter(chain -> !tables.isInOrder(chain, List.of())).toList();
        if (!there.isEmpty()) {
            programs.get().restore(tables.mend(there, chain -> List.of()));
        }
        return there.stream().map(chain -> chain.name() + " (" + chain.table() + ")").toList();
    }

    private CompletableFuture<Void> wish(String network, Optional<Rules> wanted) {
        synchronized (wishes) {
            boolean first = wishes.isEmpty();
            wishes.put(network, wanted);
            if (first) {
                setUp = CompletableFuture.runAsync(this::setUp, thread);
            }
            return setUp;
        }
    }

    /** Has it checked that the rules are whole and in their place, and mended if not. Many such wishes in the meantime are one. */
    public void verify() {
        if (checkPending.compareAndSet(false, true)) {
            thread.execute(() -> {
                checkPending.set(false);
                List<FilterChain> wanted = chains().stream().filter(FilterChain::isWanted).toList();
                if (!wanted.isEmpty()) {
                    check(wanted, List.of(), REPAIR);
                }
            });
        }
    }

    /**
     * What became of the rules.
     *
     * @param trouble why they can't be put in order, one sentence; empty when they are
     * @param repairs how often they were put back in order since the start
     * @param last    when that was last; null for never
     * @param chains  what was put back then
     */
    public record Report(String trouble, long repairs, Instant last, String chains) {
    }

    public Report report() {
        return report;
    }

    /** Whether the kernel tells of changes to the rules ({@link KernelEvent.RulesChanged}), so that {@link #verify} is seldom needed. */
    public boolean isTold() {
        return told;
    }

    private void setUp() {
        List<String> looseRules = new ArrayList<>();
        synchronized (wishes) {
            wishes.forEach((network, wanted) -> {
                Optional<Rules> former = Optional.ofNullable(networks.remove(network));
                wanted.ifPresent(rules -> networks.put(network, rules));
                wanted.or(() -> former).ifPresent(changed -> looseRules.addAll(FilterChain.looseRules(changed)));
            });
            wishes.clear();
        }
        if (!looseRules.isEmpty()) {
            readBack.clear();
            check(chains(), looseRules, networks.isEmpty() ? "Took away iptables chains " : "Set up iptables chains ");
        }
    }

    private List<FilterChain> chains() {
        return List.of(FilterChain.masquerade(networks.values(), canBeFullyRandom), FilterChain.forward(networks.values()));
    }

    private void check(List<FilterChain> chains, List<String> looseRules, String done) {
        if (programs == null) {
            programs = installed.get().orElse(null);
            told = programs != null && programs.usesNftables() && kernelTells;
        }
        try {
            if (programs != null) {
                mend(chains, looseRules, done);
                complaint = "";
                report = new Report("", report.repairs(), report.last(), report.chains());
            } else if (chains.stream().anyMatch(FilterChain::isWanted)) {
                complain("No iptables program on the PATH, in /usr/sbin or /sbin: the rules for masquerading and forwarding"
                        + " are left out. Install iptables, and they will be put in");
            }
        } catch (IOException e) {
            complain("The iptables rules of " + networks() + " can't be put in order: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void mend(List<FilterChain> chains, List<String> looseRules, String done) throws IOException, InterruptedException {
        FilterTables tables = read(chains);
        List<FilterChain> broken = chains.stream()
                .filter(chain -> !isInOrder(tables, chain) || !tables.loose(chain, looseRules).isEmpty()).toList();
        if (broken.isEmpty()) {
            return;
        }
        List<FilterChain> mended = restore(tables, broken, looseRules);
        String names = String.join(" and ", mended.stream().map(FilterChain::name).toList());
        log.info(done + names);
        if (done.equals(REPAIR)) {
            report = new Report("", report.repairs() + 1, Instant.now(), names);
        }
        FilterTables after = read(mended);
        for (FilterChain chain : mended) {
            List<String> own = after.own(chain);
            if (own != null && own.size() == chain.rules().size()) {
                readBack.put(chain.name(), own);
            }
        }
    }

    /** Only tables of wanted chains are named: one that is named comes into being, with all that hangs on it, as connection tracking. */
    private FilterTables read(List<FilterChain> chains) throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        if (chains.stream().allMatch(FilterChain::isWanted)) {
            for (FilterChain chain : chains) {
                lines.addAll(programs.save("-t", chain.table()));
            }
        } else {
            lines.addAll(programs.save());
        }
        return FilterTables.parse(lines, chains);
    }

    private boolean isInOrder(FilterTables tables, FilterChain chain) {
        return tables.isInOrder(chain, chain.rules())
                || readBack.containsKey(chain.name()) && tables.isInOrder(chain, readBack.get(chain.name()));
    }

    /** Puts chains in, without what the kernel or an older iptables does not know; tells how they are now. */
    private List<FilterChain> restore(FilterTables tables, List<FilterChain> broken, List<String> looseRules)
            throws IOException, InterruptedException {
        try {
            programs.restore(tables.mend(broken, chain -> looseRules));
            return broken;
        } catch (IOException e) {
            FilterChain simpler = FilterChain.masquerade(networks.values(), false);
            List<FilterChain> inTheOldWay = broken.stream().map(chain -> chain.name().equals(simpler.name()) ? simpler : chain).toList();
            if (inTheOldWay.equals(broken)) {
                throw e;
            }
            programs.restore(tables.mend(inTheOldWay, chain -> looseRules));
            canBeFullyRandom = false;
            return inTheOldWay;
        }
    }

    private String networks() {
        return String.join(" and ", networks.values().stream().map(each -> each.network().toString()).toList());
    }

    private void complain(String trouble) {
        if (!trouble.equals(complaint)) {
            log.warning(trouble);
        }
        complaint = trouble;
        report = new Report(trouble, report.repairs(), report.last(), report.chains());
    }
}
