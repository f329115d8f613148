package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The interface to the other hosts loses its address, gets another, another name, or is made anew: the daemon follows, the subnet stays. */
class AddressEdgesTest {

    private static final String OTHER_ADDRESS = "192.168.32.77";
    /** What the daemon waits for an answer of etcd: only after that a connection on which nothing comes is given up. */
    private static final Duration DEAD_CONNECTION = Duration.ofSeconds(5);

    private static final String CHANGED = "{\"Network\": \"10.9.0.0/16\"}";

    private static Lab lab;
    private static Host one;
    private static Host two;
    private String subnet;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V2);
        one = lab.host(1);
        two = lab.host(2);
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
        one.namespace().tryRun("ip", "link", "delete", "eth1");
        lab.replug(one);
    }

    private Talk talk(String backend) throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{" + switch (backend) {
            case "DirectRouting" -> "\"Type\":\"vxlan\", \"DirectRouting\":true";
            default -> "\"Type\":\"" + backend + "\"";
        } + "}}");
        lab.startAll(one, two);
        subnet = one.subnet();
        return Talk.of(one, two);
    }

    private static void address(String... addresses) {
        one.run("ip", "address", "flush", "dev", "eth0");
        for (String address : addresses) {
            one.run("ip", "address", "add", address + "/24", "dev", "eth0");
            one.run("ip", "route", "add", "default", "via", lab.gateway());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "DirectRouting", "host-gw", "udp"})
    void flushedAndRestored(String backend) throws Exception {
        try (Talk talk = talk(backend)) {
            List<String> before = KernelView.data(one);
            for (int pauseMillis : new int[] {0, 1_000}) {                      // a renewal; and a link that is set up anew
                address();
                Thread.sleep(pauseMillis);
                address(one.address());
                Duration took = Await.that("as before: " + before, () -> KernelView.data(one).equals(before));
                System.out.printf("    %s, address away for %d ms: whole %d ms after its return%n", backend, pauseMillis, took.toMillis());
                talk.awaitReplies(1);
            }
            talk.lost(backend + ", address flushed and restored twice");
        }
        theLeaseTells(one.address());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "DirectRouting", "host-gw", "udp"})
    void renumbered(String backend) throws Exception {
        try (Talk talk = talk(backend)) {
            address(OTHER_ADDRESS);
            long start = System.nanoTime();
            theLeaseTells(OTHER_ADDRESS);
            long lease = System.nanoTime();
            assertTrue(lease - start < DEAD_CONNECTION.toNanos(), "not over a connection from the former address");
            switch (backend) {
                case "vxlan", "DirectRouting" -> Await.that("the device", () ->
                        KernelView.link(one, "flannel.1").get("linkinfo").get("info_data").text("local").equals(OTHER_ADDRESS));
                case "udp" -> Await.that("the socket", () -> one.run("ss", "-Huln").contains(OTHER_ADDRESS + ":8285 "));
                default -> { }
            }
            talk.awaitReplies(1);
            System.out.printf("    %s, eth0 renumbered: the lease tells within %d ms, containers talk after %d ms%n", backend,
                    (lease - start) / 1_000_000, (System.nanoTime() - start) / 1_000_000);
            talk.lost(backend + ", eth0 renumbered");
        }
        if (backend.equals("vxlan")) {
            Await.that("the other host knows", () -> KernelView.hasVxlanPeer(two, subnet, KernelView.vtepMac(one), OTHER_ADDRESS));
        }
        assertTrue(!KernelView.mentions(two, one.address()));
        one.daemon().awaitTold("STATUS=.*public address " + OTHER_ADDRESS);
        lab.store().put("config", CHANGED);
        long start = System.nanoTime();
        one.daemon().awaitLog("has changed to .*10\\.9\\.");
        System.out.printf("    %s, and the store's news are heard after %d ms%n", backend, (System.nanoTime() - start) / 1_000_000);
    }

    /** The same subnet, and one lease of this host that tells this address. */
    private void theLeaseTells(String address) throws Exception {
        String key = subnet.replace('/', '-');
        Await.that("the lease tells " + address, () -> lab.store().leasesWith("\"" + address + "\"").equals(List.of(key)));
        assertEquals(2, lab.store().leases().size());
        assertEquals(subnet, one.subnet());
        assertTrue(one.daemon().isAlive());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "host-gw", "udp"})
    void renamedDownAndUpAndMadeAnew(String backend) throws Exception {
        try (Talk talk = talk(backend)) {
            one.run("ip", "link", "set", "eth0", "down");
            one.run("ip", "link", "set", "eth0", "name", "lan0");
            one.run("ip", "link", "set", "lan0", "up");
            one.run("ip", "route", "add", "default", "via", lab.gateway());
            talk.awaitReplies(5);
            talk.lost(backend + ", eth0 renamed");
            one.run("ip", "link", "set", "lan0", "down");
            one.run("ip", "link", "set", "lan0", "up");
            one.run("ip", "route", "add", "default", "via", lab.gateway());
            talk.awaitReplies(5);
            talk.lost(backend + ", and down and up");
            lab.replug(one);
            talk.awaitReplies(5);
            talk.lost(backend + ", and another card, eth0 again");
        }
        theLeaseTells(one.address());
        assertTrue(KernelView.data(two).stream().anyMatch(line -> line.contains(subnet)) || backend.equals("udp"));
    }

    @Test
    void theStatusTellsWhileThereIsNoAddress() throws Exception {
        try (Talk talk = talk("host-gw")) {
            address();
            one.daemon().awaitTold("STATUS=.*eth0 has no IPv4 address");
            address(one.address());
            Await.that("and ends", () -> !one.daemon().told().getLast().contains("no IPv4 address"));
            talk.lost("the only address away until the status tells");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-public-ip=203.0.113.9", "-iface=eth1"})
    void aRestartWithAnotherAddressKeepsTheSubnet(String option) throws Exception {
        one.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1-peer");
        one.run("ip", "link", "set", "eth1-peer", "up");
        one.run("ip", "address", "add", "203.0.113.9/24", "dev", "eth1");
        one.run("ip", "link", "set", "eth1", "up");
        try (Talk talk = talk("vxlan")) {
            talk.awaitReplies(1);
        }
        for (String publicIp : List.of("203.0.113.9", one.address())) {
            one.daemon().terminate();
            one.start(publicIp.equals(one.address()) ? lab.options() : lab.options(option)).awaitReady();
            theLeaseTells(publicIp);
            Await.that("the other host knows", () -> KernelView.hasVxlanPeer(two, subnet, KernelView.vtepMac(one), publicIp));
        }
    }
}
