package flannel.backend.cloud;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.UnusablePeerException;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The thread beside the session's. */
class CloudBackendTest {

    private static final NetworkConfig CONFIG = NetworkConfig.parse("{\"Network\":\"10.20.0.0/16\",\"Backend\":{\"Type\":\"cloud\"}}");
    private static final Underlay UNDERLAY = new Underlay("eth0", 2, Ipv4.parse("192.168.32.9"), Ipv4Subnet.parse("192.168.32.0/24"), 9001,
            new MacAddress(1));
    private static final Ipv4Subnet FIRST = Ipv4Subnet.parse("10.20.5.0/24");
    private static final Ipv4Subnet SECOND = Ipv4Subnet.parse("10.20.6.0/24");

    /** A cloud with one empty table that tells what it is asked to do. */
    private static class Cloud implements RouteTables {

        final BlockingQueue<Ipv4Subnet> puts = new LinkedBlockingQueue<>();
        private final Map<Ipv4Subnet, CloudRoute> routes = new ConcurrentHashMap<>();

        @Override
        public List<RouteTable> list() throws CloudException, InterruptedException {
            return List.of(new RouteTable("table", List.copyOf(routes.values()), routes.size(), new RouteTable.Quota("quota", 100)));
        }

        @Override
        public void admit() {
        }

        @Override
        public void put(RouteTable table, Ipv4Subnet destination, CloudRoute before) {
            routes.put(destination, new CloudRoute(destination, "", self(), CloudRoute.Kind.OWN));
            puts.add(destination);
        }

        @Override
        public void delete(RouteTable table, CloudRoute route) {
            routes.remove(route.destination());
        }

        @Override
        public void rehearse(RouteTable table, Ipv4Subnet destination) {
        }

        @Override
        public String self() {
            return "this host";
        }
    }

    private static CloudBackend start(RouteTables cloud, Consumer<Throwable> fatal) {
        RouteKeeper keeper = new RouteKeeper(cloud, CONFIG, subnet -> LeaseCheck.Holder.THIS_HOST, System::nanoTime, new Random(1),
                new Log(new PrintStream(new ByteArrayOutputStream()), 0));
        return CloudBackend.start(CONFIG, UNDERLAY, keeper, request -> null, fatal);
    }

    private static Lease lease(String subnet, String type) {
        return new Lease(Ipv4Subnet.parse(subnet), new LeaseAttributes(Ipv4.parse("192.168.32.10"), type, null, ""), new Lease.Unknown(), 0);
    }

    @Test
    void theKernelAndTheLeaseHearNothingOfIt() throws Exception {
        try (CloudBackend backend = start(new Cloud(), t -> { })) {
            assertEquals("", backend.leaseType());
            assertNull(backend.leaseData());
            assertNull(backend.link());
            assertEquals(9001, backend.mtu());
            assertEquals(List.of(), backend.local(FIRST));
            assertEquals(List.of(), backend.towards(lease("10.20.7.0/24", "")));
            assertTrue(assertThrows(UnusablePeerException.class, () -> backend.towards(lease("10.20.7.0/24", "vxlan"))).getMessage().contains("vxlan"));
        }
    }

    @Test
    void theSessionsThreadIsNotHeldUpAndTheNewestSubnetCounts() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        Cloud slow = new Cloud() {
            @Override
            public List<RouteTable> list() throws CloudException, InterruptedException {
                asked.countDown();
                answer.await();
                return super.list();
            }
        };
        try (CloudBackend backend = start(slow, t -> { })) {
            backend.leases(FIRST, List.of());
            asked.await();
            backend.leases(FIRST, List.of(lease("10.20.7.0/24", "")));      // returns while the cloud has not answered
            backend.leases(SECOND, List.of());
            answer.countDown();
            assertEquals(SECOND, slow.puts.poll(30, TimeUnit.SECONDS));
        }
    }

    @Test
    void aThreadThatDiesIsTold() throws Exception {
        CompletableFuture<Throwable> told = new CompletableFuture<>();
        Cloud broken = new Cloud() {
            @Override
            public List<RouteTable> list() {
                throw new IllegalStateException("a mistake");
            }
        };
        try (CloudBackend backend = start(broken, told::complete)) {
            backend.leases(FIRST, List.of());
            assertEquals("a mistake", told.get(30, TimeUnit.SECONDS).getMessage());
        }
    }

    @Test
    void theRouteStaysWhenTheBackendEndsAndGoesWhenTheHostLeaves() throws Exception {
        Cloud cloud = new Cloud();
        try (CloudBackend backend = start(cloud, t -> { })) {
            backend.leases(FIRST, List.of());
            assertEquals(FIRST, cloud.puts.poll(30, TimeUnit.SECONDS));
        }
        assertEquals(1, cloud.list().getFirst().used());
        CloudBackend next = start(cloud, t -> { });
        next.leases(FIRST, List.of());
        next.withdraw();
        assertEquals(0, cloud.list().getFirst().used());
    }

    @Test
    void closingEndsACallThatWaits() throws Exception {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        CountDownLatch asked = new CountDownLatch(1);
        Cloud silent = new Cloud() {
            @Override
            public List<RouteTable> list() throws InterruptedException {
                asked.countDown();
                try {
                    new CountDownLatch(1).await();
                } finally {
                    ended.complete(null);
                }
                return List.of();
            }
        };
        CloudBackend backend = start(silent, t -> { });
        backend.leases(FIRST, List.of());
        asked.await();
        backend.close();
        ended.get(30, TimeUnit.SECONDS);
    }
}
