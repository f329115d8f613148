package flannel.backend.cloud;

import flannel.backend.cloud.RoutePlan.Put;
import flannel.backend.cloud.RoutePlan.Removal;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Keeps a cloud's tables as this host's lease wants them: lists, compares, changes the difference, and looks again every few minutes. Owns
 * its state and runs in one thread, round by round; a round asks the cloud for one thing or a few and says how long to wait for the next,
 * so that time is the caller's.
 *
 * <p>An account's requests are counted together, so what a thousand hosts do has to add up: a host writes its own route only; it waits a
 * random time when it sees that others are about to write; throttled, it waits longer, at random ("full jitter"); and what dead hosts have
 * left is removed by one host at a time, in an order that all can reckon out for themselves.
 */
public final class RouteKeeper {

    private static final Duration REPAIR = Duration.ofMinutes(5);

    /** After a change the table is read again: reads may lag behind writes, and another host may have changed it at the same time. */
    private static final Duration CONFIRM = Duration.ofSeconds(30);

    private static final Duration BETWEEN_WRITES = Duration.ofSeconds(1);
    private static final Duration FIRST_BACK_OFF = Duration.ofSeconds(2);
    private static final Duration LONGEST_BACK_OFF = Duration.ofMinutes(1);

    /** For what an operator has to mend: rights, settings. */
    private static final Duration SLOW = Duration.ofMinutes(5);
    private static final Duration QUOTA = Duration.ofMinutes(10);

    /** How long one host has to remove a dead host's route before it is the next one's turn: longer than any host's repair takes to come. */
    private static final Duration TURN = Duration.ofMinutes(10);

    /** What is not found may only be new; so many tries are made at the pace of the back-off. */
    private static final int TRIES_TO_FIND = 6;

    /** AWS has the smallest bucket: 50 writes, and 5 more each second. */
    private static final int WRITES_PER_SECOND = 4;

    /** Others that may have come unseen: so the first hosts of a fleet wait too, for up to a second, and see each other. */
    private static final int UNSEEN = 4;

    private static final int WARN_PERCENT = 80;

    private final RouteTables cloud;
    private final NetworkConfig config;
    private final LeaseCheck leases;
    private final LongSupplier nanoTime;
    private final RandomGenerator random;
    private final Log log;

    private final Deque<Step> steps = new ArrayDeque<>();
    /** What failed, by the step's subject. */
    private final Map<String, Trouble> troubles = new HashMap<>();
    /** When a dead host's route was first seen, by table and name. */
    private Map<String, Long> deadSince = new HashMap<>();
    private final Set<String> warnedOf = new HashSet<>();
    private LeaseView view;
    private long dueNanos;
    /** When the time of the next step was drawn, and how many leases there were. */
    private long drawnNanos;
    private int leasesThen;
    private boolean wrote;
    private boolean rehearsed;

    /**
     * @param nanoTime a monotonic clock
     * @param random   another sequence on each host
     */
    public RouteKeeper(RouteTables cloud, NetworkConfig config, LeaseCheck leases, LongSupplier nanoTime, RandomGenerator random, Log log) {
        this.cloud = cloud;
        this.config = config;
        this.leases = leases;
        this.nanoTime = nanoTime;
        this.random = random;
        this.log = log;
    }

    /**
     * One thing to do.
     *
     * @param subject what failed is tried again by itself, later
     * @param pause   how long to wait before it
     * @param crowd   how many other hosts are about to do the same, where the pause is meant to keep apart from them; else -1
     */
    private record Step(String subject, Duration pause, int crowd, Action action) {

        interface Action {
            void run() throws CloudException, InterruptedException;
        }
    }

    /** @param attempts failures in a row */
    private record Trouble(String message, int attempts, long retryNanos) {
    }

    /**
     * Does what is due.
     *
     * @param now the leases as they are now
     * @return how long to wait for the next call; it may come earlier, with other leases
     */
    public Duration round(LeaseView now) throws InterruptedException {
        if (view == null || !view.own().equals(now.own())) {
            steps.clear();
            due(Duration.ZERO);
        }
        view = now;
        if (untilDue() <= 0) {
            if (steps.isEmpty()) {
                read();
            } else if (!isCrowded()) {
                attempt(steps.remove());
                advance();
            }
        }
        return Duration.ofNanos(Math.max(0, untilDue()));
    }

    /**
     * Whether the next step has to wait again because hosts have come since its time was drawn, and it was drawn from too short a span: the
     * first hosts of a fleet that starts see few others. Of so many that are left and so many that have come, those left go with that
     * chance, so that all together go on at the same pace.
     */
    private boolean isCrowded() {
        Step step = steps.element();
        if (step.crowd() < 0) {
            return false;
        }
        long gone = (nanoTime.getAsLong() - drawnNanos) / 1_000_000_000 * WRITES_PER_SECOND;
        int left = (int) Math.max(1, step.crowd() + UNSEEN - gone);
        int come = Math.max(0, view.others().size() - leasesThen);
        if (random.nextInt(left + come) < left) {
            return false;
        }
        steps.remove();
        steps.addFirst(new Step(step.subject(), Duration.ZERO, left + come, step.action()));
        draw();
        due(spread(left + come));
        return untilDue() > 0;
    }

    private void draw() {
        drawnNanos = nanoTime.getAsLong();
        leasesThen = view.others().size();
    }

    private long untilDue() {
        return dueNanos - nanoTime.getAsLong();
    }

    private void due(Duration wait) {
        dueNanos = nanoTime.getAsLong() + wait.toNanos();
    }

    // ---- compare ----

    private void read() throws InterruptedException {
        List<RouteTable> tables;
        try {
            tables = cloud.list();
        } catch (CloudException e) {
            due(Duration.ofNanos(failed("list", e).retryNanos() - nanoTime.getAsLong()));
            return;
        }
        succeeded("list");
        List<RoutePlan> plans = new ArrayList<>();
        for (RouteTable table : tables) {
            warnOfQuota(table);
            plans.add(RoutePlan.of(table, view, config));
        }
        boolean puts = plans.stream().anyMatch(plan -> !plan.puts().isEmpty());
        draw();
        if (puts) {
            planApart("admit", plans.stream().mapToInt(RoutePlan::missing).max().orElse(0), cloud::admit);
        } else {
            plan("admit", Duration.ZERO, cloud::admit);
        }
        plans.stream().flatMap(plan -> plan.puts().stream()).forEach(put -> plan("put " + put.table().id(),
                put.table() == tables.getFirst() ? Duration.ZERO : BETWEEN_WRITES, () -> put(put)));
        Map<String, Long> stillDead = new HashMap<>();
        plans.stream().flatMap(plan -> plan.removals().stream()).filter(removal -> isOurTurn(removal, stillDead))
                .forEach(removal -> plan("remove " + removal.table().id() + " " + removal.route().name(), BETWEEN_WRITES, () -> remove(removal)));
        deadSince = stillDead;
        if (!rehearsed) {
            planApart("rehearse", leasesThen, () -> rehearse(tables.getFirst()));
        }
        forgetObsoleteTroubles();
        wrote = false;
        advance();
    }

    /** What failed and is no longer to be done is no trouble any more. */
    private void forgetObsoleteTroubles() {
        Set<String> planned = new HashSet<>();
        steps.forEach(step -> planned.add(step.subject()));
        troubles.entrySet().removeIf(trouble -> trouble.getValue().retryNanos() - nanoTime.getAsLong() <= 0 && !planned.contains(trouble.getKey()));
    }

    private void plan(String subject, Duration pause, Step.Action action) {
        plan(new Step(subject, pause, -1, action));
    }

    private void planApart(String subject, int crowd, Step.Action action) {
        plan(new Step(subject, spread(crowd), crowd, action));
    }

    /** Plans a step unless it failed and its time has not come. */
    private void plan(Step step) {
        Trouble trouble = troubles.get(step.subject());
        if (trouble == null || trouble.retryNanos() - nanoTime.getAsLong() <= 0) {
            steps.add(step);
        }
    }

    private void warnOfQuota(RouteTable table) {
        if (table.used() * 100L >= (long) table.quota().routes() * WARN_PERCENT) {
            if (warnedOf.add(table.id())) {
                log.warning("Route table " + table.id() + " holds " + table.used() + " routes of the " + table.quota().routes()
                        + " that are usual for " + table.quota().name() + ": ask the cloud for more before hosts are left without");
            }
        } else {
            warnedOf.remove(table.id());
        }
    }

    /** Whether it is for this host to remove a route now: its own always, a dead host's when those that come first have had their time. */
    private boolean isOurTurn(Removal removal, Map<String, Long> stillDead) {
        CloudRoute route = removal.route();
        if (route.kind() == CloudRoute.Kind.OWN || route.destination().equals(view.own())) {
            return true;
        }
        String key = removal.table().id() + " " + route.name();
        long since = deadSince.getOrDefault(key, nanoTime.getAsLong());
        stillDead.put(key, since);
        long first = order(route.destination(), view.own());
        long before = view.others().stream().filter(other -> order(route.destination(), other) < first).count();
        return nanoTime.getAsLong() - since >= before * TURN.toNanos();
    }

    /** Where a host comes in the order of those who remove a route: another order for each route, the same on all hosts. */
    private static long order(Ipv4Subnet route, Ipv4Subnet host) {
        long mixed = (long) route.base().bits() << 32 ^ Integer.toUnsignedLong(host.base().bits());
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;       // the finalizer of SplittableRandom
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }

    // ---- change ----

    /** Goes on to the next step, at once when it has not to wait; behind the last one, to the next look. */
    private void advance() throws InterruptedException {
        while (!steps.isEmpty()) {
            due(steps.element().pause());
            if (untilDue() > 0) {
                return;
            }
            attempt(steps.remove());
        }
        settle();
    }

    private void settle() {
        due(wrote ? CONFIRM.plus(upTo(CONFIRM)) : jittered(REPAIR));
        for (Trouble trouble : troubles.values()) {
            if (trouble.retryNanos() - dueNanos < 0) {
                dueNanos = trouble.retryNanos();
            }
        }
    }

    private void attempt(Step step) throws InterruptedException {
        try {
            step.action().run();
            succeeded(step.subject());
        } catch (CloudException e) {
            failed(step.subject(), e);
        }
    }

    private void put(Put put) throws CloudException, InterruptedException {
        CloudRoute before = put.before();
        String where = " in route table " + put.table().id();
        if (before != null) {
            LeaseCheck.Holder holder = holder(put.destination());
            String route = "the route " + put.destination() + " - " + before.target() + where;
            if (holder != LeaseCheck.Holder.THIS_HOST) {
                throw new CloudException(CloudException.Kind.CONFLICT, "replacing " + route, "", "",
                        "the lease of " + put.destination() + " is no longer ours", "");
            }
            log.warning("Replacing " + route + ", by one to this host, whose lease it is");
        }
        cloud.put(put.table(), put.destination(), before);
        wrote = true;
        log.info("Route added to table " + put.table().id() + ": " + put.destination() + " - " + cloud.self());
    }

    private void remove(Removal removal) throws CloudException, InterruptedException {
        CloudRoute route = removal.route();
        LeaseCheck.Holder holder = holder(route.destination());
        boolean inOurWay = route.destination().equals(view.own());
        if (holder == (inOurWay ? LeaseCheck.Holder.THIS_HOST : LeaseCheck.Holder.NOBODY)) {
            cloud.delete(removal.table(), route);
            wrote = true;
            log.info("Route removed from table " + removal.table().id() + ": " + route.destination() + " - " + route.target()
                    + (inOurWay ? ", which is this host's subnet" : ", whose lease is gone"));
        }
    }

    private LeaseCheck.Holder holder(Ipv4Subnet subnet) throws CloudException, InterruptedException {
        try {
            return leases.holder(subnet);
        } catch (IOException e) {
            throw new CloudException(CloudException.Kind.TRANSIENT, "asking the store for the lease of " + subnet, "", "", e.getMessage(), "");
        }
    }

    private void rehearse(RouteTable table) throws CloudException, InterruptedException {
        cloud.rehearse(table, view.own());
        rehearsed = true;
    }

    /**
     * Takes every route of this host's within the network out of the tables: for a host that leaves the network. Not while rounds run.
     *
     * @return how many there were
     */
    public int withdraw() throws CloudException, InterruptedException {
        int count = 0;
        for (RouteTable table : cloud.list()) {
            for (CloudRoute route : table.routes()) {
                if (route.kind() == CloudRoute.Kind.OWN && config.allows(route.destination())) {
                    cloud.delete(table, route);
                    count++;
                }
            }
        }
        return count;
    }

    // ---- troubles ----

    private Trouble failed(String subject, CloudException e) {
        Trouble before = troubles.get(subject);
        int attempts = before == null ? 1 : before.attempts() + 1;
        Duration pause = switch (e.kind()) {
            case THROTTLED, TRANSIENT, CONFLICT -> backOff(attempts);
            case GONE -> attempts < TRIES_TO_FIND ? backOff(attempts) : jittered(SLOW);
            case DENIED, UNUSABLE -> jittered(SLOW);
            case LIMIT -> jittered(QUOTA);
        };
        if (before == null || !before.message().equals(e.getMessage())) {
            String line = e.getMessage() + "; trying again in " + (pause.toSeconds() + 1) + " s";
            switch (e.kind()) {
                case THROTTLED, TRANSIENT, CONFLICT -> log.warning(line);
                case GONE, LIMIT, DENIED, UNUSABLE -> log.error(line);
            }
        }
        Trouble trouble = new Trouble(e.getMessage(), attempts, nanoTime.getAsLong() + pause.toNanos());
        troubles.put(subject, trouble);
        return trouble;
    }

    private void succeeded(String subject) {
        if (troubles.remove(subject) != null && troubles.isEmpty()) {
            log.info("The cloud's route tables answer as they should again");
        }
    }

    /** Anything up to a limit that doubles: hosts that were throttled together don't come back together. */
    private Duration backOff(int attempts) {
        Duration limit = FIRST_BACK_OFF.multipliedBy(1L << Math.min(attempts - 1, 16));
        return Duration.ofSeconds(1).plus(upTo(limit.compareTo(LONGEST_BACK_OFF) > 0 ? LONGEST_BACK_OFF : limit));
    }

    /** A time to wait when so many other hosts are about to write. */
    private Duration spread(int hosts) {
        return upTo(Duration.ofSeconds(1).multipliedBy(hosts + UNSEEN).dividedBy(WRITES_PER_SECOND));
    }

    private Duration upTo(Duration limit) {
        return Duration.ofNanos((long) (random.nextDouble() * limit.toNanos()));
    }

    /** A fifth more or less, so that hosts that started together drift apart. */
    private Duration jittered(Duration duration) {
        return Duration.ofNanos((long) (duration.toNanos() * (0.8 + 0.4 * random.nextDouble())));
    }
}
