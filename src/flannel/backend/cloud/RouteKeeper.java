package flannel.backend.cloud;

import flannel.backend.cloud.RoutePlan.Put;
import flannel.backend.cloud.RoutePlan.Removal;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

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
    private static final int WARN_PERCENT = 80;

    private final RouteTables cloud;
    private final NetworkConfig config;
    private final LeaseCheck leases;
    private final LongSupplier nanoTime;
    private final Pauses pauses;
    private final Troubles troubles;
    private final Turns turns;
    private final Log log;

    private final Deque<Step> steps = new ArrayDeque<>();
    private final Set<String> warnedOf = new HashSet<>();
    /** Ids of the tables that the log was told of. */
    private List<String> told = List.of();
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
        this.pauses = new Pauses(random);
        this.troubles = new Troubles(nanoTime, pauses, log);
        this.turns = new Turns(nanoTime);
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
        long gone = (nanoTime.getAsLong() - drawnNanos) / 1_000_000_000 * Pauses.WRITES_PER_SECOND;
        int left = (int) Math.max(1, step.crowd() + Pauses.UNSEEN - gone);
        int come = Math.max(0, view.others().size() - leasesThen);
        if (pauses.random().nextInt(left + come) < left) {
            return false;
        }
        steps.remove();
        steps.addFirst(new Step(step.subject(), Duration.ZERO, left + come, step.action()));
        draw();
        due(pauses.among(left + come));
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
            troubles.succeeded("list");
        } catch (CloudException e) {
            troubles.failed("list", e);
            settle();
            return;
        }
        tell(tables);
        List<RoutePlan> plans = tables.stream().map(table -> RoutePlan.of(table, view, config)).toList();
        List<Put> puts = plans.stream().flatMap(plan -> plan.puts().stream()).toList();
        draw();
        if (puts.isEmpty()) {
            plan("admit", Duration.ZERO, cloud::admit);
        } else {
            planApart("admit", plans.stream().mapToInt(RoutePlan::missing).max().orElse(0), cloud::admit);
        }
        for (Put put : puts) {
            plan("put " + put.table().id(), put == puts.getFirst() ? Duration.ZERO : BETWEEN_WRITES, () -> put(put));
        }
        turns.look();
        plans.stream().flatMap(plan -> plan.removals().stream()).filter(this::isForUs).forEach(removal ->
                plan("remove " + removal.table().id() + " " + removal.route().name(), BETWEEN_WRITES, () -> remove(removal)));
        if (!rehearsed) {
            planApart("rehearse", leasesThen, () -> rehearse(tables.getFirst()));
        }
        troubles.forgetAllDueBut(steps.stream().map(Step::subject).collect(Collectors.toSet()));
        wrote = false;
        advance();
    }

    /** What leads here, or stands beside our own route, is this host's affair alone; for a dead host's route there is an order. */
    private boolean isForUs(Removal removal) {
        CloudRoute route = removal.route();
        return route.kind() == CloudRoute.Kind.OWN || route.destination().equals(view.own())
                || turns.isOurs(removal.table(), route, view);
    }

    private void plan(String subject, Duration pause, Step.Action action) {
        plan(new Step(subject, pause, -1, action));
    }

    private void planApart(String subject, int crowd, Step.Action action) {
        plan(new Step(subject, pauses.among(crowd), crowd, action));
    }

    /** Plans a step unless it failed and its time has not come. */
    private void plan(Step step) {
        if (!troubles.isHeld(step.subject())) {
            steps.add(step);
        }
    }

    private void tell(List<RouteTable> tables) {
        List<String> ids = tables.stream().map(RouteTable::id).toList();
        if (!ids.equals(told)) {
            log.info("Found route table " + String.join(" and ", ids));
        }
        told = ids;
        tables.forEach(this::warnOfQuota);
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
        due(wrote ? CONFIRM.plus(pauses.upTo(CONFIRM)) : pauses.about(REPAIR));
        dueNanos = troubles.earliest(dueNanos);
    }

    private void attempt(Step step) throws InterruptedException {
        try {
            step.action().run();
            troubles.succeeded(step.subject());
        } catch (CloudException e) {
            troubles.failed(step.subject(), e);
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
            log.warning("Replacing " + route + " by one to this host, whose lease it is");
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

    /** Takes every route of this host's within the network out of the tables: for a host that leaves the network. Not while rounds run. */
    public void withdraw() throws CloudException, InterruptedException {
        for (RouteTable table : cloud.list()) {
            for (CloudRoute route : table.routes()) {
                if (route.kind() == CloudRoute.Kind.OWN && config.allows(route.destination())) {
                    cloud.delete(table, route);
                    log.info("Route removed from table " + table.id() + ": " + route.destination() + " - " + route.target());
                }
            }
        }
    }
}
