package flannel.kernel;

import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps our iptables rules, in chains of our own: masquerading (nat FLANNEL-POSTRTG) and the acceptance of forwarded packets (filter
 * FLANNEL-FWD). A check is one short process, {@code iptables-save}; what is out of order is mended by one {@code iptables-restore}.
 * Nothing is taken away at the end: a restart leaves no gap. For one thread at a time, in that thread's network namespace.
 *
 * <p>Never fails: what can't be done is said in the log, once.
 */
public final class PacketFilter {

    /** From this version on iptables-restore waits for the lock, and MASQUERADE knows --random-fully. */
    private static final List<Integer> VERSION_1_6_2 = List.of(1, 6, 2);

    private final Log log;
    private final Set<String> complaints = new LinkedHashSet<>();
    /** How this iptables writes a chain that we put in, by name: versions differ. */
    private final Map<String, List<String>> readBack = new HashMap<>();
    private IptablesPrograms programs;
    private boolean kernelRefusesFullyRandom;
    private Rules rules;
    private volatile boolean told;

    public PacketFilter(Log log) {
        this.log = log;
    }

    /**
     * What is wanted.
     *
     * @param network     the overlay's range
     * @param own         this host's subnet
     * @param masquerade  whether what leaves the overlay gets the host's address
     * @param forward     whether the overlay's packets are let through FORWARD
     * @param fullyRandom whether masquerading picks ports at random, where it can: two connections then seldom race for one
     */
    public record Rules(Ipv4Subnet network, Ipv4Subnet own, boolean masquerade, boolean forward, boolean fullyRandom) {
    }

    /** Puts the rules in place, and takes away those that flannel 0.7.1 left and those of ours that are no longer wanted. */
    public void apply(Rules wanted) {
        rules = wanted;
        readBack.clear();
        check(true);
    }

    /** Checks that the rules are whole and in their place, and mends them if not. */
    public void verify() {
        if (rules != null && (rules.masquerade() || rules.forward())) {
            check(false);
        }
    }

    /** Whether the kernel tells of changes to the rules ({@link KernelEvent.RulesChanged}), so that {@link #verify} need not be called often. */
    public boolean isTold() {
        return told;
    }

    private void check(boolean takeOver) {
        if (programs == null) {
            Optional<IptablesPrograms> found = IptablesPrograms.find();
            if (found.isEmpty()) {
                if (rules.masquerade() || rules.forward()) {
                    complain("No iptables program on the PATH, in /usr/sbin or /sbin: the rules for masquerading and forwarding"
                            + " are left out. Install iptables, and they will be put in");
                }
                return;
            }
            programs = found.get();
            told = programs.usesNftables();
        }
        try {
            mend(takeOver);
        } catch (IOException e) {
            complain("The iptables rules of " + rules.network() + " can't be put in order: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void mend(boolean takeOver) throws IOException, InterruptedException {
        List<FilterChain> chains = chains();
        List<String> looseRules = takeOver ? FilterChain.looseRules(rules) : List.of();
        FilterTables tables = FilterTables.parse(programs.save(), chains);
        List<FilterChain> broken = new ArrayList<>();
        for (FilterChain chain : chains) {
            if (!isInOrder(tables, chain) || !tables.loose(chain, looseRules).isEmpty()) {
                broken.add(chain);
            }
        }
        if (broken.isEmpty()) {
            return;
        }
        try {
            programs.restore(tables.mend(broken, chain -> looseRules));
        } catch (IOException e) {
            if (!usesFullyRandom() || !rules.masquerade()) {
                throw e;
            }
            kernelRefusesFullyRandom = true;
            broken.replaceAll(chain -> chain.table().equals("nat") ? FilterChain.masquerade(rules, false) : chain);
            programs.restore(tables.mend(broken, chain -> looseRules));
        }
        String names = String.join(" and ", broken.stream().map(FilterChain::name).toList());
        log.info((takeOver ? "Set up iptables chains " : "Put iptables rules back in order: ") + names);
        FilterTables after = FilterTables.parse(programs.save(), chains);
        for (FilterChain chain : broken) {
            List<String> own = after.own(chain);
            if (own != null && own.size() == chain.rules().size()) {
                readBack.put(chain.name(), own);
            }
        }
    }

    private boolean isInOrder(FilterTables tables, FilterChain chain) {
        return tables.isInOrder(chain, chain.rules())
                || readBack.containsKey(chain.name()) && tables.isInOrder(chain, readBack.get(chain.name()));
    }

    private List<FilterChain> chains() {
        return List.of(FilterChain.masquerade(rules, usesFullyRandom()), FilterChain.forward(rules));
    }

    private boolean usesFullyRandom() {
        return rules.fullyRandom() && !kernelRefusesFullyRandom && programs.isAtLeast(VERSION_1_6_2);
    }

    private void complain(String trouble) {
        if (complaints.add(trouble)) {
            log.warning(trouble);
        }
    }
}
