package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.linux.Ethtool;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a host's part in a network ends: what a daemon has left is taken away by order, all of it and nothing else. */
class LifeTest {

    private static final String VXLAN = "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}";

    private static Lab lab;
    private static Host one;
    private static Host two;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
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
    void asNew() throws IOException {
        lab.reset();
        lab.store().deleteAll();
    }

    /** Everything that a daemon could have changed on a host, or take for its own. */
    private static String everything(Host host) throws IOException {
        StringBuilder all = new StringBuilder();
        for (String command : List.of("ip -o link", "ip -4 -o address", "ip -4 route show table all", "ip neighbour show nud permanent", "bridge fdb",
                "iptables -w -S", "iptables -w -t nat -S")) {
            all.append(host.run(command.split(" ")).replaceAll("(?m)^\\d+: |\\\\.*$| +$", "").replaceAll("(?m)@if\\d+|^.* dev eth0 (extern_learn|used).*$", ""));
        }
        for (String folder : List.of("/run/flannel", "/var/lib/flannel")) {
            try (Stream<Path> files = Files.exists(host.file(folder)) ? Files.walk(host.file(folder)) : Stream.empty()) {
                files.filter(file -> !file.equals(host.file(folder))).sorted().forEach(file -> all.append(file).append('\n'));
            }
        }
        return all.toString();
    }

    @Test
    void cleanupTakesEverythingOfOursAndNothingElse() throws Exception {
        one.run("ip", "route", "add", "10.1.250.0/24", "via", lab.gateway());
        one.run("ip", "route", "add", "10.99.0.0/16", "via", lab.gateway(), "proto", "static");
        one.run("ip", "neighbour", "add", "192.168.32.99", "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent");
        one.run("ip", "link", "add", "flannel.77", "type", "vxlan", "id", "78", "dstport", "4789", "local", one.address());
        one.run("iptables", "-w", "-N", "ADMIN");
        one.run("iptables", "-w", "-A", "FORWARD", "-j", "ADMIN");
        Files.createDirectories(one.file("/var/lib/flannel/store"));
        Files.writeString(one.file("/var/lib/flannel/store/journal"), "a server's");
        String before = everything(one);
        lab.store().put("config", VXLAN.replace("\"vxlan\"", "\"vxlan\", \"DirectRouting\": true"));
        lab.store().put("blue/config", VXLAN.replace("10.1.", "10.2.").replace("\"vxlan\"", "\"vxlan\", \"VNI\": 7"));
        one.start(lab.options("-networks=blue"));
        two.start(lab.options("-networks=blue"));
        one.daemon().awaitReady();
        two.daemon().awaitReady();
        Await.that("blue's peer", () -> one.run("ip", "route").contains("flannel.7"));
        one.daemon().terminate();
        two.daemon().terminate();
        one.start(lab.options("-ip-masq"));
        two.start(lab.options());
        one.daemon().awaitReady();
        two.daemon().awaitReady();
        Await.that("the peer", () -> one.run("ip", "route").contains("proto 241"));

        NetworkNamespace.Result refused = one.flanneld("cleanup");
        assertEquals(1, refused.exitCode());
        assertTrue(refused.output().matches("flanneld runs here .*: stop it first \\(systemctl stop flanneld\\)\n"), refused.output());
        assertTrue(one.daemon().isAlive());

        one.daemon().kill();
        NetworkNamespace.Result done = one.flanneld("cleanup");
        assertEquals(0, done.exitCode(), done.output());
        for (String line : List.of("removed  link flannel.1\n", "removed  link flannel.7 with 1 neighbours and 1 FDB entries\n",
                "removed  route " + two.subnet() + " via " + two.address() + " dev eth0\n", "removed  iptables chain FLANNEL-FWD (filter)\n",
                "removed  iptables chain FLANNEL-POSTRTG (nat)\n", "removed  file /run/flannel/subnet.env\n", "removed  file /run/flannel/docker\n",
                "removed  file /run/flannel/networks/blue.env\n", "removed  file /var/lib/flannel/networks/blue/subnet.env\n",
                "removed  file /run/flannel/flanneld.sock\n", "removed  file /var/lib/flannel/node\n",
                "left     link flannel.77: no VXLAN device of that VNI, so not flanneld's\n",
                "left     route 10.1.250.0/24 via " + lab.gateway() + " dev eth0: not made by this flanneld\n",
                "left     /var/lib/flannel/store: nothing that a host's daemon keeps\n")) {
            assertTrue(done.output().contains(line), () -> line + "is not in\n" + done.output());
        }
        assertEquals(before, everything(one));

        NetworkNamespace.Result again = one.flanneld("cleanup");
        assertEquals(0, again.exitCode());
        assertTrue(again.output().lines().allMatch(line -> line.startsWith("left ")), again.output());
        NetworkNamespace.Result onNewHost = lab.host(3).flanneld("cleanup");
        assertEquals("nothing of flanneld's is on this host\n", onNewHost.output());
    }

    @Test
    void aLeaseIsGivenBackByCommandAndAtTheEnd() throws Exception {
        lab.store().put("config", VXLAN);
        Host three = lab.host(3);
        three.start(lab.options());
        one.start(lab.options());
        two.start(lab.options("-release-lease-on-exit", "-ip-masq"));
        for (Host host : List.of(one, two, three)) {
            host.daemon().awaitReady();
        }
        String subnet = two.subnet();
        Await.that("the peer", () -> KernelView.hasVxlanPeer(one, two));
        assertEquals(1, one.flanneld(words("release", lab.options())).exitCode(), "while a daemon runs");

        assertEquals(0, two.daemon().terminate());
        assertEquals(List.of(), lab.store().leasesWith(two.address()));
        assertTrue(two.daemon().log().toString().contains("Lease " + subnet + " was given back"));
        assertFalse(Files.exists(two.file("/run/flannel/subnet.env")) || two.run("ip", "link").contains("flannel.1")
                || KernelView.rules(two).contains("FLANNEL"));
        Await.that("it is gone at the others", () -> !KernelView.mentions(one, subnet.replace("/24", "")));

        one.daemon().kill();
        String own = one.subnet().replace('/', '-');
        NetworkNamespace.Result released = one.flanneld(words("release", lab.options()));
        assertEquals("Lease " + one.subnet() + " was given back\n", released.output());
        assertEquals(0, released.exitCode());
        assertFalse(Files.exists(one.file("/var/lib/flannel/network")), "nor does it start alone with it");
        assertEquals(1, lab.store().leases().size(), "the third host's stays");
        // what another host has by now is not ours to give
        lab.store().put("subnets/" + own, lab.store().get("subnets/" + three.subnet().replace('/', '-')));
        NetworkNamespace.Result nothing = one.flanneld(words("release", lab.options()));
        assertEquals("this host has no lease\n", nothing.output());
        assertEquals(2, lab.store().leases().size());

        two.start(lab.options("-release-lease-on-exit"));
        two.daemon().awaitReady();
        assertEquals(subnet, two.subnet(), "as it remembers");
        lab.etcd().freeze();
        try {
            long start = System.nanoTime();
            assertEquals(0, two.daemon().terminate());
            assertTrue(System.nanoTime() - start < 10_000_000_000L, "a store that does not answer holds nothing up");
        } finally {
            lab.etcd().thaw();
        }
    }

    /** As after a power failure in a whole room: nothing in the kernels, and no etcd yet. */
    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "host-gw"})
    void aHostStartsAloneOnWhatItRemembers(String backend) throws Exception {
        lab.store().put("config", VXLAN.replace("vxlan", backend));
        lab.startAll(one, two);
        for (Host host : List.of(one, two)) {
            Await.that("it remembers the other", () -> Files.exists(host.file("/var/lib/flannel/network"))
                    && Files.readString(host.file("/var/lib/flannel/network")).contains(host == one ? two.address() : one.address()));
        }
        List<String> subnets = List.of(one.subnet(), two.subnet());
        for (Host host : List.of(one, two)) {
            host.daemon().kill();
            host.resetKernel();
            Lab.deleteTree(host.file("/run/flannel"));
        }
        lab.etcd().stop();
        try {
            one.start(lab.options());
            two.start(lab.options());
            for (Host host : List.of(one, two)) {
                Duration took = host.daemon().awaitReady();
                assertTrue(took.toMillis() < 15_000, () -> "after " + took); // 5 s on a host that has nothing else to do
                System.out.printf("    %s is ready alone after %d ms%n", backend, took.toMillis());
                host.daemon().awaitTold("STATUS=network 10.1.0.0/16 .*; going by what this host remembers of ");
            }
            assertEquals(subnets, List.of(one.subnet(), two.subnet()));
            two.plugContainer();
            one.plugContainer().run("ping", "-c", "3", "-i", "0.2", "-W", "5", two.containerAddress());
        } finally {
            lab.etcd().start();
        }
        one.daemon().awaitLog("The store answers again");
        assertEquals(subnets, List.of(one.subnet(), two.subnet()));

        one.daemon().kill();
        one.resetKernel();
        Lab.deleteTree(one.file("/run/flannel"));
        lab.etcd().stop();
        try {
            one.start(lab.options("-start-alone=false"));
            one.daemon().awaitTold("STATUS=waiting for the store: ");
        } finally {
            lab.etcd().start();
        }
        one.daemon().awaitReady();
    }

    @Test
    void aPasswordIsShownNowhere() throws Exception {
        String secret = "hush-5c2f";
        lab.store(Store.Api.V2).put("config", VXLAN);
        Path file = one.file("/var/lib/password");
        Files.writeString(file, secret + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        List<String> options = lab.options("-etcd-api=v2", "-etcd-username=root", "-etcd-password-file=/var/lib/password", "-v=10");
        one.start(options);
        one.daemon().awaitReady();
        one.daemon().awaitLog("^W.*-etcd-password-file /var/lib/password can be read by every user of this host: chmod o= /var/lib/password");
        String shown = String.join("\n", one.daemon().log()) + one.daemon().told() + one.flanneld("status").output() + one.flanneld("status", "-json").output()
                + one.flanneld(words("check", options)).output() + one.flanneld(words("lease", List.of("list", "-etcd-password=" + secret, "-etcd-endpoints=http://127.0.0.1:1"))).output()
                + Files.readString(Path.of("/proc/" + one.daemon().pid() + "/cmdline")) + Files.readString(Path.of("/proc/" + one.daemon().pid() + "/environ"));
        assertTrue(shown.contains("flannel.1") && shown.contains("127.0.0.1:1"), shown);
        assertFalse(shown.contains(secret) || shown.contains(Base64.getEncoder().encodeToString(("root:" + secret).getBytes(StandardCharsets.UTF_8))), shown);
        lab.store(Store.Api.V2).deleteAll();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "udp"})
    void whatNobodyHoldsIsUnreachable(String backend) throws Exception {
        lab.store().put("config", VXLAN.replace("vxlan", backend));
        one.start(lab.options());
        one.daemon().awaitReady();
        String route = "unreachable 10.1.0.0/16 proto 241 metric 16777216";
        assertFalse(KernelView.routes(one).contains(route), "by default all is as with a Go flanneld");
        one.daemon().terminate();
        one.start(lab.options("-ip-blackhole-route"));
        two.start(lab.options("-ip-blackhole-route"));
        one.daemon().awaitReady();
        two.daemon().awaitReady();
        two.plugContainer();
        one.plugContainer().run("ping", "-c", "1", "-W", "5", two.containerAddress());
        assertTrue(KernelView.routes(one).contains(route), KernelView.routes(one)::toString);
        NetworkNamespace.Result nobody = one.container().tryRun("ping", "-c", "1", "-W", "5", "10.1.255.77");
        assertTrue(nobody.output().contains("Unreachable"), nobody.output());
        one.run("ip", "route", "del", "unreachable", "10.1.0.0/16", "metric", "16777216");
        Await.that("it is put back", () -> KernelView.routes(one).contains(route));
        one.run("ip", "route", "add", "10.0.0.0/8", "via", lab.gateway());
        Await.that("it makes room for an administrator's", () -> !KernelView.routes(one).contains(route));
        one.run("ip", "route", "del", "10.0.0.0/8");
        Await.that("it comes back", () -> KernelView.routes(one).contains(route));
        one.daemon().terminate();
        assertTrue(KernelView.routes(one).contains(route), "it stays, with udp too, whose other route goes with the daemon");
    }

    @Test
    void checksumsAreNotLeftToADeviceThatShallNotComputeThem() throws Exception {
        lab.store().put("config", VXLAN);
        one.start(lab.options("-vxlan-checksum-offload=off"));
        one.daemon().awaitReady();
        assertFalse(computesChecksums());
        one.run("ip", "link", "delete", "flannel.1");
        one.daemon().awaitLog("flannel.1 is made anew");
        Await.that("of the new one neither", () -> one.run("ip", "-o", "link").contains("flannel.1") && !computesChecksums());
    }

    @Test
    void aFirstStartThatFailsTakesBackWhatItHasPutIn() throws Exception {
        lab.store().put("config", VXLAN);
        one.run("ip", "link", "add", "other", "type", "vxlan", "id", "1", "dstport", "8472", "local", one.address());
        String before = KernelView.rules(one) + KernelView.data(one);
        one.start(lab.options("-ip-masq"));
        one.daemon().awaitLog("device other already uses VNI 1 on UDP port 8472");
        Await.that("no rule is left", () -> before.equals(KernelView.rules(one) + KernelView.data(one)));
        one.run("ip", "link", "delete", "other");
        one.daemon().awaitReady();
        assertTrue(KernelView.rules(one).contains("FLANNEL-POSTRTG"));
    }

    @Test
    void aPortThatIsTakenLeavesNothing() throws Exception {
        lab.store().put("config", VXLAN.replace("vxlan", "udp"));
        String before = KernelView.rules(one) + KernelView.data(one);
        try (DatagramSocket other = one.namespace().call(() -> new DatagramSocket(8285, InetAddress.getByName(one.address())))) {
            one.start(lab.options("-ip-masq"));
            one.daemon().awaitLog("another program has this port");
            assertEquals(before, KernelView.rules(one) + KernelView.data(one), other::toString);
            assertFalse(one.run("ip", "link").contains("flannel0") || Files.exists(one.file("/run/flannel/subnet.env")));
        }
        one.daemon().awaitReady();
    }

    private static boolean computesChecksums() throws Exception {
        return one.namespace().call(() -> Ethtool.sendChecksums("flannel.1"));
    }

    /** Networks that come and go, one that can't be set up, a store that is lost and found: of what was for them nothing stays in the process. */
    @Test
    void whatEndsLeavesNoThreadAndNoDescriptor() throws Exception {
        one.start(lab.options("-watch-networks", "-healthz-port=9900"));
        Daemon daemon = one.daemon();
        daemon.awaitReady();
        comeAndGo(Set.of());                                              // what is made once, and stays
        Footprint before = Footprint.of(daemon);
        assertTrue(before.threads().containsKey("networks") && before.descriptors().containsKey("socket"), before::toString);
        try (DatagramSocket taken = one.namespace().call(() -> new DatagramSocket(8285, InetAddress.getByName(one.address())))) {
            comeAndGo(Set.of("udp"));
            assertTrue(daemon.log().stream().anyMatch(line -> line.contains("another program has this port")), taken::toString);
        }
        lab.etcd().stop();
        daemon.awaitLog("the networks stay as they are|connect");
        lab.etcd().start();
        comeAndGo(Set.of());
        Await.that("as before: " + before, () -> before.covers(Footprint.of(daemon)));
        assertEquals(0, daemon.terminate());
    }

    /** @param failing those of the networks that can't be set up */
    private static void comeAndGo(Set<String> failing) throws Exception {
        int from = one.daemon().logSize();
        List<String> names = List.of("vxlan", "udp", "host-gw");
        for (String name : names) {
            lab.store().put(name + "/config", VXLAN.replace("vxlan", name).replace("10.1.", "10." + name.length() + "."));
        }
        for (String name : names) {
            if (failing.contains(name)) {
                one.daemon().awaitLog(from, "failed to create the network");
            } else {
                Await.that(name + " is up", () -> Files.exists(one.file("/run/flannel/networks/" + name + ".env")));
            }
        }
        one.flanneld("status");
        for (String name : names) {
            lab.store().delete(name + "/config");
        }
        for (String name : names) {
            Await.that(name + " is gone", () -> !Footprint.of(one.daemon()).threads().containsKey("network " + name));
        }
    }

    private static String[] words(String command, List<String> options) {
        return Stream.concat(Stream.of(command), options.stream()).toArray(String[]::new);
    }
}
