package flannel.lab;

import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * {@code ./build.sh bench costs}: what the packaged daemon costs a host that has nothing to do, in a network of 100 peers that answer: with
 * everything off; with metrics and page asked for; with the peers probed too. The daemons run at the same time, so that what else the machine
 * does is the same for all.
 */
public final class CostBench {

    private static final int PEERS = 100;
    private static final int POLL_SECONDS = 5;
    private static final int WARM_UP_SECONDS = 15;

    private static final Path PACKAGED = Path.of("build/runtime/bin/flanneld").toAbsolutePath();

    private record Kind(String name, List<String> options) {
    }

    private static final List<Kind> KINDS = List.of(new Kind("nothing on", List.of()),
            new Kind("metrics and page, each every " + POLL_SECONDS + " s", List.of("-healthz-port=8471")),
            new Kind("the same, peers probed every 10 s", List.of("-healthz-port=8471", "-probe-interval=10")));

    private CostBench() {
    }

    public static void main(String[] arguments) throws Exception {
        int seconds = Integer.parseInt(Arguments.parse("bench costs [--seconds N]", Map.of("--seconds", "[1-9][0-9]{0,4}"), arguments)
                .getOrDefault("--seconds", "60"));
        try (Lab lab = new Lab(Store.Api.V3, PACKAGED)) {
            lab.store().put("config", "{\"Network\": \"10.0.0.0/8\", \"SubnetLen\": 24, \"SubnetMin\": \"10.200.0.0\", \"Backend\": {\"Type\": \"vxlan\"}}");
            for (int peer = 0; peer < PEERS; peer++) {
                lab.store().put("subnets/10.100." + peer + ".0-24", "{\"PublicIP\":\"192.168.32." + (100 + peer)
                        + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + mac(peer) + "\"}}", 86_400);
            }
            List<Host> hosts = new ArrayList<>();
            for (Kind kind : KINDS) {
                Host host = lab.host(hosts.size() + 1);
                host.start(lab.options(kind.options().toArray(String[]::new))).awaitReady();
                hosts.add(host);
            }
            answer(lab.host(9), hosts);
            List<Thread> pollers = hosts.subList(1, hosts.size()).stream().map(host -> Thread.ofPlatform().start(() -> poll(host))).toList();
            try {
                TimeUnit.SECONDS.sleep(WARM_UP_SECONDS);
                measure(hosts, seconds);
            } finally {
                pollers.forEach(Thread::interrupt);
                for (Thread poller : pollers) {
                    poller.join();
                }
            }
        }
    }

    private static String mac(int peer) {
        return String.format("02:77:00:00:00:%02x", peer);
    }

    /** All peers are one host: it has their addresses, and a device with each one's MAC above its own VXLAN device. */
    private static void answer(Host far, List<Host> hosts) throws Exception {
        StringBuilder script = new StringBuilder("set -e; ip link add flannel.1 type vxlan id 1 dstport 8472 dev eth0; ip link set flannel.1 mtu 1450 up\n");
        for (int peer = 0; peer < PEERS; peer++) {
            script.append("ip address add 192.168.32.").append(100 + peer).append("/24 dev eth0\n").append("ip link add link flannel.1 name peer")
                    .append(peer).append(" address ").append(mac(peer)).append(" type macvlan mode bridge; ip link set peer").append(peer)
                    .append(" up; ip address add 10.100.").append(peer).append(".0/32 dev peer").append(peer).append('\n');
        }
        for (Host host : hosts) {
            String device = host.subnet().replace("/24", "");
            String mac = host.run("ip", "-o", "link", "show", "flannel.1").replaceAll("(?s).*ether ([0-9a-f:]+).*", "$1");
            script.append("ip route add ").append(host.subnet()).append(" via ").append(device).append(" dev flannel.1 onlink; ip neigh replace ")
                    .append(device).append(" lladdr ").append(mac).append(" dev flannel.1 nud permanent; bridge fdb replace ").append(mac)
                    .append(" dev flannel.1 dst ").append(host.address()).append('\n');
        }
        far.run("sh", "-c", script + "for filter in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $filter; done");
    }

    private static void poll(Host host) {
        try {
            while (true) {
                TimeUnit.SECONDS.sleep(POLL_SECONDS);
                host.namespace().call(() -> {
                    for (String path : List.of("/metrics", "/")) {
                        try (InputStream answer = URI.create("http://127.0.0.1:8471" + path).toURL().openStream()) {
                            answer.readAllBytes();
                        }
                    }
                });
            }
        } catch (InterruptedException e) {
            // enough was measured
        } catch (Exception e) {
            throw new IllegalStateException("a daemon does not answer: what is measured of it is too little", e);
        }
    }

    private static void measure(List<Host> hosts, int seconds) throws Exception {
        List<Double> before = new ArrayList<>();
        for (Host host : hosts) {
            before.add(host.daemon().cpuSeconds());
        }
        TimeUnit.SECONDS.sleep(seconds);
        System.out.printf("vxlan, %d peers, %d s%n", PEERS, seconds);
        System.out.println("| daemon | CPU % | RSS MiB | of that its own |");
        System.out.println("|---|---|---|---|");
        for (int i = 0; i < hosts.size(); i++) {
            Daemon daemon = hosts.get(i).daemon();
            System.out.printf("| %s | %.2f | %.1f | %.1f |%n", KINDS.get(i).name(), 100 * (daemon.cpuSeconds() - before.get(i)) / seconds,
                    daemon.residentKib() / 1024.0, anonymousKib(daemon) / 1024.0);
        }
    }

    /** The part that is in no file. */
    private static long anonymousKib(Daemon daemon) throws Exception {
        return Files.readAllLines(Path.of("/proc", Long.toString(daemon.pid()), "status")).stream().filter(line -> line.startsWith("RssAnon:"))
                .collect(Collectors.summingLong(line -> Long.parseLong(line.replaceAll("\\D", ""))));
    }
}
