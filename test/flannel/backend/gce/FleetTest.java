package flannel.backend.gce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.LeaseCheck.Holder;
import flannel.backend.cloud.LeaseView;
import flannel.backend.cloud.RouteKeeper;
import flannel.backend.gce.FakeCompute.Instance;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Many hosts with one cloud, on virtual time. */
class FleetTest {

    private static final String NETWORK = "projects/p/global/networks/fnet";
    private static final NetworkConfig CONFIG = NetworkConfig.parse("{\"Network\":\"10.64.0.0/12\",\"Backend\":{\"Type\":\"gce\"}}");

    private final FakeGoogle.VirtualTime time = new FakeGoogle.VirtualTime();
    private final FakeGoogle google = new FakeGoogle(time);
    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final Map<Ipv4Subnet, Host> leases = new HashMap<>();
    private final PriorityQueue<Host> byDue = new PriorityQueue<>(Comparator.comparing((Host host) -> host.due));
    private final Random seeds = new Random(1);

    private final class Host {

        final Instance instance;
        final Ipv4Subnet subnet;
        final RouteKeeper keeper;
        Instant due;

        Host(int number, String name, Duration start) {
            int third = number / 250;
            int fourth = 2 + number % 250;
            subnet = new Ipv4Subnet(CONFIG.subnetMin().plus(number << 8), CONFIG.subnetLength());
            String ip = "10.128." + third + "." + fourth;
            String mac = String.format("42:01:0a:80:%02x:%02x", third, fourth);
            instance = google.instance("p", name, mac, ip, NETWORK);
            Underlay underlay = new Underlay("eth0", 2, Ipv4.parse(ip), Ipv4Subnet.parse(ip + "/32"), 1460, MacAddress.parse(mac));
            Log log = new Log(new PrintStream(logged, true), 0);
            GceRoutes routes = new GceRoutes(Map.of("HOME", "/nonexistent"), google.seenFrom(instance), time, underlay, CONFIG.network(),
                    log);
            keeper = new RouteKeeper(routes, CONFIG, this::holder, () -> Duration.between(Instant.EPOCH, time.instant()).toNanos(),
                    new Random(seeds.nextLong()), log);
            due = time.instant().plus(start);
            byDue.add(this);
        }

        private Holder holder(Ipv4Subnet asked) {
            Host host = leases.get(asked);
            return host == null ? Holder.NOBODY : host == this ? Holder.THIS_HOST : Holder.ANOTHER;
        }

        void round() throws InterruptedException {
            leases.put(subnet, this);
            Set<Ipv4Subnet> others = new HashSet<>(leases.keySet());
            others.remove(subnet);
            due = time.instant().plus(keeper.round(new LeaseView(subnet, others)));
        }

        /** Its machine is deleted; its lease ends when it ends. */
        void die() {
            google.compute.instances.remove(instance.path());
            byDue.remove(this);
        }
    }

    private void pass(Duration duration) throws InterruptedException {
        Instant end = time.instant().plus(duration);
        while (!byDue.isEmpty() && byDue.peek().due.isBefore(end)) {
            Host host = byDue.remove();
            time.await(host.due);
            host.round();
            byDue.add(host);
        }
        time.await(end);
    }

    private boolean isReached(Host host) {
        return google.compute.hops(NETWORK, host.subnet.base().plus(2)).equals(List.of(host.instance));
    }

    private long calls(String start) {
        return google.calls.stream().filter(call -> call.startsWith(start)).count();
    }

    @Test
    void hostsDieAndAreReplaced() throws Exception {
        google.compute.lag = Duration.ofSeconds(10);
        Host one = new Host(1, "one", Duration.ZERO);
        Host two = new Host(2, "two", Duration.ofSeconds(3));
        Host three = new Host(3, "three", Duration.ofSeconds(5));
        pass(Duration.ofMinutes(2));
        assertTrue(isReached(one) && isReached(two) && isReached(three));

        two.die();
        pass(Duration.ofMinutes(30));
        assertEquals(3, google.compute.routes(NETWORK).size(), "a lease that lives keeps its route");
        Host again = new Host(2, "two-again", Duration.ZERO); // with the lease
        pass(Duration.ofMinutes(2));
        assertTrue(isReached(again));
        assertEquals(3, google.compute.routes(NETWORK).size());

        again.die();
        leases.remove(again.subnet);
        google.calls.clear();
        pass(Duration.ofMinutes(40));
        assertEquals(2, google.compute.routes(NETWORK).size());
        assertEquals(1, calls("DELETE"), "one host removes it");
        assertTrue(isReached(one) && isReached(three));
    }

    /** The limits are the project's: 1,500 reads and 1,500 changes a minute. */
    @Test
    void aThousandHostsStartWithinAMinuteAndStayBelowTheLimits() throws Exception {
        google.compute.quota = 2000;
        google.compute.operationTime = Duration.ZERO; // a host's wait is not another's
        for (int i = 0; i < 1000; i++) {
            new Host(i, "node-" + i, Duration.ofMillis(60 * i));
        }
        for (int minutes = 0; google.compute.routes(NETWORK).size() < 1000; minutes++) {
            assertTrue(minutes < 10, google.compute.routes(NETWORK).size() + " routes");
            pass(Duration.ofMinutes(1));
        }
        assertEquals(0, google.throttled);
        assertEquals(1000, google.calls.stream().filter(call -> call.equals("POST /compute/v1/projects/p/global/routes")).count());
    }
}
