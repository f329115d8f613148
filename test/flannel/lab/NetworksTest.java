package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Several networks of different backends on the same two hosts, with containers in each. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class NetworksTest {

    private static final String BLUE = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\",\"VNI\":7}}";

    private static Lab lab;

    @Parameter
    private Store.Api api;

    @BeforeParameterizedClassInvocation
    static void build(Store.Api api) throws Exception {
        lab = Needs.lab(api);
    }

    @AfterParameterizedClassInvocation
    static void takeDown() {
        lab.close();
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
        lab.store().deleteAll();
        for (Host host : List.of(lab.host(1), lab.host(2))) {
            host.namespace().tryRun("ip", "link", "delete", "flannel.7");
            for (String network : List.of("blue", "green")) {
                host.namespace().tryRun("ip", "link", "delete", "br-" + network);
            }
        }
    }

    /** With the one store in kernel routes, with the other in the daemon's own tunnel. */
    private String green() {
        return "{\"Network\":\"10.2.0.0/16\",\"Backend\":{\"Type\":\"" + (api == Store.Api.V2 ? "host-gw" : "udp") + "\"}}";
    }

    private static Path file(Host host, String network) {
        return host.file("/run/flannel/networks/" + network + ".env");
    }

    private static String variable(Host host, String network, String name) throws IOException {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(file(host, network))) {
            properties.load(reader);
        }
        return properties.getProperty(name);
    }

    private static String address(Host host, String network) throws IOException {
        return variable(host, network, "FLANNEL_SUBNET").replaceFirst("1/.*", "2");
    }

    /** A bridge of the network, as a person would make it from the file, and a container at it. */
    private static NetworkNamespace plug(Host host, String network) throws IOException {
        String gateway = variable(host, network, "FLANNEL_SUBNET");
        host.run("ip", "link", "add", "br-" + network, "type", "bridge");
        host.run("ip", "address", "add", gateway, "dev", "br-" + network);
        host.run("ip", "link", "set", "br-" + network, "up");
        NetworkNamespace container = NetworkNamespace.create("container");
        container.connect("eth0", host.namespace(), "veth-" + network);
        host.run("ip", "link", "set", "veth-" + network, "master", "br-" + network);
        container.run("ip", "address", "add", address(host, network) + "/24", "dev", "eth0");
        container.run("ip", "route", "add", "default", "via", gateway.replaceFirst("/.*", ""));
        return container;
    }

    private static boolean isUp(String network) throws IOException {
        return Files.exists(file(lab.host(1), network)) && Files.exists(file(lab.host(2), network));
    }

    /** All that a daemon could leave on a host. */
    private static List<String> traces(Host host) throws IOException {
        String kernel = host.run("ip", "-o", "link").replaceAll("(?m)^\\d+: ([^:@]*).*$", "link $1") + host.run("ip", "-4", "route", "show", "table", "all")
                + host.run("iptables", "-w", "-S") + host.run("iptables", "-w", "-t", "nat", "-S");
        Stream<String> files = Stream.empty();
        for (Path folder : List.of(host.file("/run/flannel/networks"), host.file("/var/lib/flannel/networks"))) {
            try (Stream<Path> all = Files.exists(folder) ? Files.walk(folder) : Stream.empty()) {
                files = Stream.concat(files, all.filter(path -> !path.equals(folder)).map(Path::toString).toList().stream());
            }
        }
        return Stream.concat(kernel.lines().map(String::strip), files).filter(line -> !line.isEmpty()).sorted().toList();
    }

    private static void awaitTraces(Host host, List<String> wanted) throws Exception {
        try {
            Await.that("nothing more is left", () -> traces(host).equals(wanted));
        } catch (AssertionError e) {
            assertEquals(String.join("\n", wanted), String.join("\n", traces(host)), () -> String.join("\n", host.daemon().log()));
        }
    }

    @Test
    void networksComeAndGoWithTheStoresList() throws Exception {
        Host one = lab.host(1);
        Host two = lab.host(2);
        List<String> clean = traces(one);
        lab.store().put("blue/config", BLUE);
        for (Host host : List.of(one, two)) {
            host.start(lab.options("-watch-networks", "-ip-masq"));
        }
        one.daemon().awaitReady();
        two.daemon().awaitReady();
        Await.that("blue is up", () -> isUp("blue"));
        assertEquals("10.1.0.0/16", variable(one, "blue", "FLANNEL_NETWORK"));
        Await.that("both know each other", () -> one.run("ip", "route").contains("10.1.") && two.run("ip", "route").contains("10.1."));
        NetworkNamespace blue = plug(one, "blue");
        NetworkNamespace blueTwo = plug(two, "blue");
        List<String> blueOnly = traces(one);

        try (blue; blueTwo; Ping ping = Ping.start(blue, address(two, "blue"))) {
            ping.awaitReplies(3);
            lab.store().put("green/config", green());
            Await.that("green is up", () -> isUp("green"));
            String subnet = variable(one, "green", "FLANNEL_SUBNET");
            try (NetworkNamespace green = plug(one, "green"); NetworkNamespace greenTwo = plug(two, "green");
                    Ping second = Ping.start(green, address(two, "green"))) {
                second.awaitReplies(3);
            }
            one.run("ip", "link", "delete", "br-green");
            two.run("ip", "link", "delete", "br-green");
            String rules = KernelView.rules(one);
            assertTrue(rules.contains("10.1.0.0/16") && rules.contains("10.2.0.0/16"), rules);

            lab.store().put("pink/config", BLUE.replace("10.1.", "10.3."));
            one.daemon().awaitLog("pink: .*network pink can't be had on this host beside network blue, .*flannel.7; change \"VNI\"");
            lab.store().delete("pink/config");
            one.daemon().awaitLog("Network removed: pink");

            lab.store().delete("green/config");
            awaitTraces(one, blueOnly);
            assertFalse(Files.exists(file(two, "green")) && two.run("ip", "route").contains("10.2."));
            lab.store().put("green/config", green());
            Await.that("green is back", () -> isUp("green"));
            assertEquals(subnet, variable(one, "green", "FLANNEL_SUBNET"), "by the lease, which nobody took away");
            ping.awaitReplies(3);
            assertEquals(0, ping.lost());
        }
        one.run("ip", "link", "delete", "br-blue");
        lab.store().delete("blue/config");
        lab.store().delete("green/config");
        awaitTraces(one, clean);
        assertTrue(one.daemon().isAlive());
    }

    @Test
    void aServersClientsHaveThemToo() throws Exception {
        Host one = lab.host(1);
        Host two = lab.host(2);
        Host server = lab.host(3);
        String client = "-remote=" + server.address() + ":8888";
        one.start(List.of(client, "-networks=blue,green"));
        two.start(List.of(client, "-watch-networks"));
        lab.store().put("blue/config", BLUE);
        server.start(lab.options("-listen=:8888")).awaitReady();
        Await.that("blue is up", () -> isUp("blue"));
        assertFalse(one.daemon().told().contains("READY=1"));
        lab.store().put("green/config", green());
        Await.that("green is up", () -> isUp("green"));
        one.daemon().awaitReady();
        for (String network : List.of("blue", "green")) {
            try (NetworkNamespace container = plug(one, network); NetworkNamespace other = plug(two, network);
                    Ping ping = Ping.start(container, address(two, network))) {
                ping.awaitReplies(3);
            }
        }
        lab.store().delete("green/config");
        two.daemon().awaitLog("Network removed: green");
        Await.that("green has left", () -> !Files.exists(file(two, "green")));
        assertTrue(Files.exists(file(one, "green")), "which was named there");
    }

    @Test
    void readyIsWhoHasAllOfTheNamedNetworks() throws Exception {
        Host one = lab.host(1);
        lab.store().put("blue/config", BLUE);
        lab.store().put("red/config", "not JSON");
        Daemon daemon = one.start(lab.options("-networks=blue,green", "-subnet-dir=/run/nets"));
        Path blue = one.file("/run/nets/blue.env");
        Await.that("blue is up", () -> Files.exists(blue));
        daemon.awaitTold("STATUS=.*green: .*there is no key .*/green/config");
        assertFalse(daemon.told().contains("READY=1"));
        lab.store().put("green/config", green());
        daemon.awaitReady();
        assertTrue(Files.exists(one.file("/run/nets/green.env")));
        assertFalse(daemon.log().toString().contains("] red: "), "which nobody named");
        assertEquals(0, daemon.terminate());
        assertTrue(Files.exists(blue) && one.run("ip", "link").contains("flannel.7"), "the data path stays");
    }
}
