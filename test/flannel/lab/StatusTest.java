package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What an operator is told by {@code flanneld status}, and programs over HTTP. */
class StatusTest {

    private static Lab lab;
    private static Host one;
    private static Host two;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        one = lab.host(1);
        two = lab.host(2);
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    private static void startBoth(String backend, String... options) throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"" + backend + "\"}}");
        List<String> all = new ArrayList<>(lab.options("-healthz-port=9410"));
        all.addAll(List.of(options));
        one.start(all);
        two.start(lab.options());
        one.daemon().awaitReady();
        two.daemon().awaitReady();
    }

    /** Waits until one says all of this; the exit code then. */
    private static NetworkNamespace.Result awaitStatus(List<String> options, String... said) throws Exception {
        NetworkNamespace.Result[] last = new NetworkNamespace.Result[1];
        Await.that("status says " + List.of(said), () -> {
            List<String> words = new ArrayList<>(List.of("status"));
            words.addAll(options);
            last[0] = one.flanneld(words.toArray(String[]::new));
            return List.of(said).stream().allMatch(last[0].output()::contains);
        });
        return last[0];
    }

    @Test
    void aHealthyHost() throws Exception {
        startBoth("vxlan");
        one.plugContainer();
        NetworkNamespace.Result result = awaitStatus(List.of(), "peers      1: 1 by vxlan\n", " > docker0 1450\n");
        String text = result.output();
        String peer = two.subnet() + " +" + two.address() + " +vxlan +complete";
        assertTrue(text.startsWith("flanneld 1.0.0, pid " + one.daemon().pid() + ", up "), text);
        for (String line : List.of(": healthy\n", "\nnetwork    10.1.0.0/16, vxlan\n", "\nlease      " + one.subnet() + " for " + one.address() + ", 23 h 59 min left\n",
                "\ninterface  eth0, " + one.address() + "\n", "\nmtu        eth0 1500 > flannel.1 1450 > docker0 1450\n",
                "\nstore      etcd v3 at " + lab.etcd().endpoint() + ", answered ", "\nlast events\n", "Lease acquired: " + one.subnet())) {
            assertTrue(text.contains(line), line + " is not in\n" + text);
        }
        assertTrue(text.lines().anyMatch(line -> line.matches(peer)), text);
        assertTrue(text.lines().allMatch(line -> line.length() <= 100), text);
        assertEquals(0, result.exitCode());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(one.file("/run/flannel/flanneld.sock"))));
    }

    @Test
    void aReportHasItAllInOneFile() throws Exception {
        startBoth("vxlan", "-etcd-password=rosebud");
        List<String> words = new ArrayList<>(List.of("report", "-o=/run/report.tar.gz"));
        words.addAll(lab.options());
        NetworkNamespace.Result result = one.flanneld(words.toArray(String[]::new));
        assertEquals(0, result.exitCode(), result.output());
        String all;
        try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(one.file("/run/report.tar.gz")))) {
            all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        for (String part : List.of("flanneld 1.0.0, pid " + one.daemon().pid(), "\"findings\":[", "\"publicIp\":\"" + two.address() + "\"", "vxlan id 1 ", two.subnet(),
                ":FLANNEL-FWD - [", "net.ipv4.ip_forward = 1", "FLANNEL_SUBNET=", "\"-etcd-password=(taken out)\"")) {
            assertTrue(all.contains(part), part + " is not in\n" + all);
        }
        assertTrue(!all.contains("rosebud"), all);
    }

    @Test
    void whatIsWrongComesFirst() throws Exception {
        startBoth("vxlan");
        lab.store().put("subnets/10.1.250.0-24", "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"host-gw\"}", 3_600);
        one.run("ip", "link", "delete", "flannel.1");
        NetworkNamespace.Result result = awaitStatus(List.of(), "! Ignoring non-vxlan subnet(10.1.250.0/24): type=host-gw\n", "  deleted link flannel.1 and ");
        assertTrue(result.output().contains(": needs attention\n"), result.output());
        one.run("ip", "route", "delete", two.subnet());
        awaitStatus(List.of(), "  route " + two.subnet() + " via ", ": removed by");
        assertEquals(1, result.exitCode());
        NetworkNamespace.Result filtered = one.flanneld("status", "-peer=" + two.address());
        assertTrue(filtered.output().contains("peers      1 of 2 fit " + two.address() + "\n"), filtered.output());
    }

    @Test
    void theCountersOfTheDataPath() throws Exception {
        startBoth("udp", "-probe-interval=1");
        assertReached("udp");
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        container.run("ping", "-c", "3", "-i", "0.2", two.containerAddress());
        container.tryRun("ping", "-c", "1", "-W", "1", "10.1.0.99");
        awaitStatus(List.of(), "sentPackets: packets sent to other hosts", "noRoute: from here, to an address in no lease");
    }

    /** The daemon's own device has none of the peer's addresses with host-gw, and Docker's bridge is not there yet. */
    @Test
    void aPeerAnswersEchoes() throws Exception {
        startBoth("host-gw", "-probe-interval=1");
        assertReached("host-gw");
        assertTrue(get("/metrics").contains("\nflannel_probe_peers{network=\"\",state=\"reached\"} 1\n"), get("/metrics"));
    }

    private static void assertReached(String backend) throws Exception {
        NetworkNamespace.Result result = awaitStatus(List.of(), " HEARD ", " 0 % ");
        assertEquals(0, result.exitCode(), result.output());
        Pattern heard = Pattern.compile(two.subnet() + " .* " + backend + " .* \\d+ m?s +0 % +\\d+(\\.\\d)? ms\\n");
        assertTrue(heard.matcher(result.output()).find(), result.output());
    }

    @Test
    void aWayThatDropsFullPackets() throws Exception {
        startBoth("vxlan", "-probe-interval=1");
        assertReached("vxlan");
        one.run("iptables", "-I", "OUTPUT", "-p", "udp", "--dport", "8472", "-m", "length", "--length", "1400:", "-j", "DROP");
        NetworkNamespace.Result result = awaitStatus(List.of(), "! the way to " + two.subnet() + " at " + two.address()
                + ": small packets get through, those of 1450");
        assertEquals(1, result.exitCode());
    }

    @Test
    void aStoppedDaemonIsToldWithTheExitCode() throws Exception {
        startBoth("vxlan");
        awaitStatus(List.of(), "healthy");
        one.daemon().terminate();
        NetworkNamespace.Result stopped = one.flanneld("status");
        assertTrue(stopped.output().contains("no flanneld runs here: nobody listens at /run/flannel/flanneld.sock"), stopped.output());
        assertEquals(2, stopped.exitCode());
        one.start(lab.options()).awaitReady();
        assertEquals(0, awaitStatus(List.of(), "healthy").exitCode());
    }

    @Test
    void healthAndMetricsOnThisHostOnly() throws Exception {
        startBoth("vxlan");
        Await.that("it is ready", () -> get("/readyz").startsWith("HTTP/1.1 200 OK"));
        assertTrue(get("/readyz").endsWith("flanneld is ready"));
        assertTrue(get("/healthz").endsWith("flanneld is running"));
        assertTrue(get("/metrics").contains("\nflannel_peers{network=\"\",state=\"followed\"} 1\n"), get("/metrics"));
        assertTrue(get("/").contains("<th scope=\"row\">" + two.subnet() + "<td>" + two.address() + "<td"), get("/"));
        Await.that("the device's traffic is counted", () -> get("/").contains("\"device\":\"flannel.1\""));
        assertTrue(one.namespace().tryRun("bash", "-c", "exec 3<>/dev/tcp/" + one.address() + "/9410").exitCode() != 0);
    }

    private static String get(String path) {
        return one.namespace().tryRun("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9410; printf 'GET " + URI.create(path)
                + " HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3").output();
    }
}
