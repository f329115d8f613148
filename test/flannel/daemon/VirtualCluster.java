package flannel.daemon;

import flannel.backend.HostGwBackend;
import flannel.etcd.EtcdOptions;
import flannel.etcd.MemoryStore;
import flannel.files.FileException;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.FakeHost;
import flannel.kernel.FakeKernel;
import flannel.kernel.KernelEvent;
import flannel.kernel.Underlays;
import flannel.kube.KubeOptions;
import flannel.lease.StoreEvent;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.remote.RemoteOptions;
import flannel.net.Ipv4Subnet;
import flannel.status.NetworkStatus;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Hosts with real sessions, and everything below and around them in memory: kernels, store, files and time. Nothing happens by itself; a test
 * (or a dice) says which host does its next step, so that any order of events can be played, thousands of histories a second.
 */
final class VirtualCluster {

    static final String CONFIG = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}";

    /** More steps than any quiet cluster takes: one that takes them is in a circle. */
    private static final int MOST_STEPS = 20_000;

    final VirtualTime time = new VirtualTime();
    final MemoryStore store = new MemoryStore(time::wallTime);
    final List<Host> hosts = new ArrayList<>();
    private final Random random;
    private boolean exclusive = true;

    VirtualCluster(long seed) {
        random = new Random(seed);
        store.config(CONFIG);
    }

    /** A host that remembers its subnet file and its mark, as a disk does, from one daemon to the next. */
    final class Host implements SubnetFiles.Place {

        final Ipv4 address;
        final String mark;
        final FakeHost kernel;
        final ByteArrayOutputStream logged = new ByteArrayOutputStream();
        String file;
        /** Of its log ({@code -v}). */
        int verbosity;
        /** Where it keeps its state; a host without a folder remembers its mark and its file only. */
        Path state = Path.of("/proc/1/nowhere");
        /** Of its containers, by the file as last written; null when there is none yet. */
        private Ipv4Subnet subnet;
        private final LinkedBlockingQueue<Message> queue = new LinkedBlockingQueue<>();
        private final Deque<Runnable> beside = new ArrayDeque<>();
        private MemoryStore.Follower follower;
        private NetworkSession session;
        private Readiness readiness;
        /** How often the file was written with another subnet. */
        int moves;

        private Host(Ipv4 address, String mark) {
            this.address = address;
            this.mark = mark;
            kernel = new FakeHost(address);
        }

        void start() {
            queue.clear();
            beside.clear();
            Log log = new Log(new PrintStream(logged, true), verbosity);
            Settings settings = new Settings(NetworkSelection.SINGLE, new EtcdOptions(List.of("http://127.0.0.1:1"), "/n", "v3", "", "", "", "", ""),
                    RemoteOptions.none(), KubeOptions.none(), new Underlays.Selection(List.of(), List.of(), null), null, Path.of("/nowhere/subnet.env"), Path.of("/nowhere"),
                    Duration.ofMinutes(60), false, false, false, Duration.ofHours(1), "", ChecksumOffload.LEAVE, 1, false, !state.startsWith("/proc"), false);
            readiness = new Readiness(new ServiceManager("", log), List.of(""));
            Surroundings around = new Surroundings("", settings, store.client(random, log),
                    new StateDirectory(state, state.startsWith("/proc") ? new Log(new PrintStream(new ByteArrayOutputStream()), 0) : log).forNetwork(""), this,
                    readiness, queue, beside::add, time, random, log);
            session = new NetworkSession(around, kernel.underlay(), mark,
                    (config, underlay, publicIp, former) -> new HostGwBackend(underlay, publicIp),
                    new DataPath("", kernel.reconciler(log), FakeKernel.packetFilter(log), time, log));
            follower = store.follower(random);
        }

        /** For a thread that runs the session by itself, in real time. */
        NetworkSession session() {
            return session;
        }

        BlockingQueue<Message> queue() {
            return queue;
        }

        void kill() {
            session = null;
        }

        boolean isAlive() {
            return session != null;
        }

        void tell(KernelEvent event) {
            queue.add(new Message.Kernel(event));
        }

        /** What systemctl status shows. */
        String status() {
            return readiness.text();
        }

        void removeSomeRoute() {
            kernel.routes().stream().findFirst().ifPresent(route -> tell(kernel.removeRoute(route.substring(0, route.indexOf(' ')))));
        }

        /** What its daemon tells of itself. */
        NetworkStatus.Known report() {
            CompletableFuture<NetworkStatus.Known> answer = new CompletableFuture<>();
            queue.add(new Message.Report(answer));
            while (!answer.isDone()) {
                handleNext();
            }
            return answer.join();
        }

        void relist() {
            follower.relist();
        }

        Ipv4Subnet subnet() {
            return subnet;
        }

        @Override
        public Optional<String> read() {
            return Optional.ofNullable(file);
        }

        @Override
        public void write(SubnetFile subnet) throws FileException {
            moves += this.subnet != null && !subnet.subnet().equals(this.subnet) ? 1 : 0;
            this.subnet = subnet.subnet();
            file = subnet.text();
        }

        /** Does the next thing there is to do, of a kind; false when there is none. */
        boolean step(int kind) {
            if (session == null) {
                return false;
            }
            switch (kind) {
                case 0 -> {
                    StoreEvent event = follower.next();
                    if (event == null) {
                        return false;
                    }
                    queue.add(new Message.Store(event));
                    return true;
                }
                case 1 -> {
                    Runnable write = beside.poll();
                    if (write == null) {
                        return false;
                    }
                    write.run();
                    return true;
                }
                default -> {
                    boolean busy = !queue.isEmpty() || session.nextNanos() <= time.nanos();
                    if (busy) {
                        handleNext();
                    }
                    return busy;
                }
            }
        }

        private void handleNext() {
            try {
                session.handleNext(0);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** A host number 1, 2, 3 ... with an address and a mark of its own. */
    Host host(int number) {
        return host("192.168.32." + (210 + number), "mark" + number);
    }

    Host host(String address, String mark) {
        Host host = new Host(Ipv4.parse(address), mark);
        hosts.add(host);
        return host;
    }

    /** One step of a host by the dice; false when nobody has anything to do before more time has gone. */
    boolean step() {
        int from = random.nextInt(3 * hosts.size());
        for (int i = 0; i < 3 * hosts.size(); i++) {
            int choice = (from + i) % (3 * hosts.size());
            if (hosts.get(choice / 3).step(choice % 3)) {
                checkAlways();
                return true;
            }
        }
        return false;
    }

    /** Steps until nobody has anything to do at this moment. */
    void settle() {
        for (int steps = 0; step(); steps++) {
            if (steps > MOST_STEPS) {
                throw new AssertionError("it goes round in circles; the log of the first host:\n" + hosts.getFirst().logged);
            }
        }
    }

    /** Lets time go, with everything that happens meanwhile. */
    void run(Duration duration) {
        long end = time.nanos() + duration.toNanos();
        settle();
        while (time.nanos() < end) {
            long next = hosts.stream().filter(Host::isAlive).mapToLong(host -> host.session.nextNanos()).min().orElse(end);
            time.advanceTo(Math.min(end, Math.max(next, time.nanos() + 1)));
            settle();
        }
    }

    /** @param exclusive false where a store that lost everything may bring two hosts together for a moment */
    void subnetsAreExclusive(boolean exclusive) {
        this.exclusive = exclusive;
    }

    /** No two living hosts' containers have overlapping subnets, ever. */
    void checkAlways() {
        TreeMap<Ipv4Subnet, Host> holders = new TreeMap<>();
        for (Host host : hosts) {
            if (exclusive && host.isAlive() && host.subnet != null && host.session.holds()) {
                Host other = holders.put(host.subnet, host); // all of one length: they overlap when they are equal
                if (other != null) {
                    throw new AssertionError(host.address + " and " + other.address + " both have " + host.subnet + ":\n" + host.logged + "\n"
                            + other.logged);
                }
            }
        }
    }

    /** Every living host has a lease, and routes to all other living hosts and no others. */
    void checkAtRest() {
        for (Host a : hosts) {
            if (!a.isAlive()) {
                continue;
            }
            TreeSet<String> wanted = new TreeSet<>();
            for (Host b : hosts) {
                if (a != b && b.isAlive() && !b.address.equals(a.address)) {
                    wanted.add(b.subnet() + " via " + b.address);
                }
            }
            if (!a.kernel.routes().equals(wanted)) {
                throw new AssertionError("routes of " + a.address + ": " + a.kernel.routes() + ", wanted: " + wanted + logs());
            }
            if (store.leases().stream().noneMatch(lease -> lease.subnet().equals(a.subnet()) && lease.attributes().publicIp().equals(a.address))) {
                throw new AssertionError(a.address + " has no lease of " + a.subnet() + ": " + store.entries() + logs());
            }
        }
    }

    private String logs() {
        StringBuilder logs = new StringBuilder();
        hosts.forEach(host -> logs.append("\n").append(host.mark).append(":\n").append(host.logged));
        return logs.toString();
    }
}
