package flannel.lab.faults;

import flannel.lab.Await;
import flannel.lab.Daemon;
import flannel.lab.Host;
import flannel.lab.KernelView;
import flannel.lab.Lab;
import flannel.lab.Store;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/** The hosts, their etcd and their traffic, and what has to be as it was after every fault. */
final class Cluster implements AutoCloseable {

    private static final String CONFIG = "{\"Network\": \"10.1.0.0/16\", \"SubnetMin\": \"10.1.10.0\", \"SubnetMax\": \"10.1.99.0\","
            + " \"Backend\": {\"Type\": \"%s\"}}";

    /** What a daemon may write about each second that a fault lasts. */
    private static final int LINES_A_SECOND = 5;

    private final String backend;
    private final Store.Api api;
    private final Lab lab;
    private final Members etcd;
    private final List<Host> hosts = new ArrayList<>();
    private final List<Decoys> decoys = new ArrayList<>();
    private final Traffic traffic;
    private final Map<Host, List<String>> kernels = new HashMap<>();
    private final Map<Host, String> subnets = new HashMap<>();
    /** What each daemon, by its process, held when it was first looked at, and the most that one has grown by. */
    private final Map<Long, Usage> first = new HashMap<>();
    private Usage grown = new Usage(0, 0, 0, 0);
    private final Overlaps overlaps;

    Cluster(String backend, Store.Api api, int size) throws Exception {
        this.backend = backend;
        this.api = api;
        lab = Lab.withoutEtcd(Lab.built());
        Members members = null;
        try {
            members = new Members(lab, api);
            etcd = members;
            store().put("config", config());
            for (int i = 1; i <= size; i++) {
                Host host = lab.host(i);
                hosts.add(host);
                decoys.add(new Decoys(host));
                host.start(options());
            }
            for (Host host : hosts) {
                host.daemon().awaitReady();
                host.plugContainer();
                subnets.put(host, host.subnet());
            }
            traffic = new Traffic(hosts);
            traffic.awaitAllTalk();
            Await.that("the kernels have what the leases say", this::kernelsAreAsLeased);
            for (Host host : hosts) {
                kernels.put(host, kernel(host));
                first.put(host.daemon().pid(), Usage.ofAll(host));
            }
            overlaps = new Overlaps(hosts);
        } catch (Exception | AssertionError e) {
            if (members != null) {
                members.close();
            }
            lab.close();
            throw e;
        }
    }

    String backend() {
        return backend;
    }

    Store.Api api() {
        return api;
    }

    Members etcd() {
        return etcd;
    }

    List<Host> hosts() {
        return hosts;
    }

    Traffic traffic() {
        return traffic;
    }

    Store store() {
        return etcd.store();
    }

    String config() {
        return CONFIG.formatted(backend);
    }

    String gateway() {
        return lab.gateway();
    }

    List<String> options() {
        return List.of("-etcd-endpoints=" + etcd.endpoints(), "-etcd-prefix=" + Lab.PREFIX);
    }

    private List<String> kernel(Host host) {
        List<String> all = new ArrayList<>();
        // the kernel makes that very route by itself of the device's address, whenever the device comes up, and it is good enough
        KernelView.data(host).forEach(line -> all.add(line.replaceAll("( dev flannel0 proto) kernel scope link src \\S+", "$1 241 scope link")));
        all.addAll(host.namespace().tryRun("ip", "-4", "-br", "address", "show", "dev", "flannel0").output().lines().toList());
        all.addAll(KernelView.rules(host).lines().toList());
        return all;
    }

    /** Each host has the routes to the others and no more; udp has one for all, and its traffic tells of the rest. */
    private boolean kernelsAreAsLeased() throws IOException {
        for (Host host : hosts) {
            TreeSet<String> others = new TreeSet<>(subnets.values());
            others.remove(subnets.get(host));
            TreeSet<String> routed = new TreeSet<>();
            KernelView.routes(host).stream().map(route -> route.split(" ")[0])
                    .filter(to -> to.matches("10\\.1\\.\\d\\d\\.0/24") && !to.equals(subnets.get(host))).forEach(routed::add);
            if (!backend.equals("udp") && !routed.equals(others)) {
                return false;
            }
        }
        return new TreeSet<>(subnets.values()).size() == hosts.size();
    }

    // ---- the invariants ----

    /** Waits until everything is as it was before: who talks, what the kernels hold, what the store says. */
    void awaitHealed() throws Exception {
        traffic.awaitAllTalk();
        etcd.awaitWritable();                           // a member that was just thawed answers "leader changed"
        Canary.awaitFollowed(this);
        for (Host host : hosts) {
            List<String> before = kernels.get(host);
            try {
                Await.that("the kernel of " + host.address() + " as before", () -> kernel(host).equals(before));
            } catch (AssertionError e) {
                List<String> now = kernel(host);
                throw new AssertionError(e.getMessage() + "; missing: " + without(before, now) + "; too much: " + without(now, before), e);
            }
        }
        TreeSet<String> keys = new TreeSet<>();
        subnets.values().forEach(subnet -> keys.add(subnet.replace('/', '-')));
        Await.that("leases " + keys + " in the store", () -> answers(() -> new TreeSet<>(store().leases()).equals(keys)));
        for (Host host : hosts) {
            String key = subnets.get(host).replace('/', '-');
            Await.that(host.address() + " holds " + key,
                    () -> answers(() -> String.valueOf(store().get("subnets/" + key)).contains(host.address())));
            if (!host.subnet().equals(subnets.get(host))) {
                throw new AssertionError(host.address() + " moved from " + subnets.get(host) + " to " + host.subnet());
            }
        }
    }

    /** What etcd tells, false while it refuses to. */
    private static boolean answers(BooleanSupplier question) {
        try {
            return question.getAsBoolean();
        } catch (UncheckedIOException | AssertionError e) {
            return false;
        }
    }

    private static List<String> without(List<String> lines, List<String> others) {
        return lines.stream().filter(line -> !others.contains(line)).toList();
    }

    /** How many lines each daemon has written. */
    Map<Daemon, Integer> lines() {
        Map<Daemon, Integer> lines = new HashMap<>();
        hosts.forEach(host -> lines.put(host.daemon(), host.daemon().logSize()));
        return lines;
    }

    /** Whether all have lived on, told no more than they may, and hold no more than before. */
    void checkDaemons(Map<Daemon, Integer> linesBefore, int mostLines, double seconds) throws IOException, InterruptedException {
        for (Host host : hosts) {
            Daemon daemon = host.daemon();
            if (!daemon.isAlive()) {
                throw new AssertionError("the daemon of " + host.address() + " has ended:\n" + String.join("\n", daemon.log()));
            }
            int from = linesBefore.getOrDefault(daemon, 0);
            int lines = daemon.logSize() - from;
            if (lines > mostLines + LINES_A_SECOND * seconds) {
                throw new AssertionError("the daemon of " + host.address() + " wrote " + lines + " lines in " + seconds + " s:\n"
                        + String.join("\n", daemon.log().subList(from, from + lines)));
            }
            if (first.containsKey(daemon.pid())) {
                hasNotGrown(host, Usage.of(daemon));
            } else {
                first.put(daemon.pid(), Usage.ofAll(host));
            }
        }
        overlaps.check();
    }

    private void hasNotGrown(Host host, Usage now) {
        Usage before = first.get(host.daemon().pid());
        grown = grown.most(now.minus(before));
        if (now.hasGrownFrom(before)) {
            throw new AssertionError("the daemon of " + host.address() + " grew from " + before + " to " + now);
        }
    }

    /** What others own, and what the daemons do and hold when there is nothing to do, and while there is no etcd. Ends the traffic. */
    String checkAtTheEnd() throws Exception {
        decoys.forEach(Decoys::check);
        for (Host host : hosts) {
            hasNotGrown(host, Usage.ofAll(host));
        }
        traffic.close();
        double idle = Idleness.awaitAll(hosts);
        etcd.all().forEach(member -> member.etcd().freeze());
        double waiting = Idleness.awaitAll(hosts);
        return "a daemon grew by %s at most, and took %.1f %% of a processor when all was quiet, %.1f %% without an etcd that answers"
                .formatted(grown, 100 * idle, 100 * waiting);
    }

    /** What the daemons wrote last. */
    String logs() {
        StringBuilder logs = new StringBuilder();
        for (Host host : hosts) {
            List<String> log = host.daemon().log();
            logs.append(host.address()).append(":\n").append(String.join("\n", log.subList(Math.max(0, log.size() - 25), log.size()))).append('\n');
        }
        return logs.toString();
    }

    @Override
    public void close() {
        overlaps.close();
        traffic.close();
        etcd.close();
        lab.close();
    }
}
