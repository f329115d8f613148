package flannel.lab;

import flannel.backend.aws.FakeVpc;
import flannel.backend.aws.FakeVpc.Eni;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The lab's switch as a VPC's router: it forwards by the tables of a {@link FakeVpc}, each host's packets by the table of the subnet that the
 * host is in, drops what goes to a blackhole, and what the source/destination check of an interface forbids.
 */
final class VpcRouter {

    private static final String DEVICE = "br0";
    private static final int FIRST_TABLE = 100;

    private final NetworkNamespace namespace;
    private final FakeVpc vpc;
    /** By the cloud's id: the kernel's. */
    private final Map<String, Integer> tables = new HashMap<>();
    /** By the cloud's subnet: its table's id. */
    private final Map<String, String> ofSubnets = new HashMap<>();
    private final List<Eni> hosts = new ArrayList<>();
    private Map<String, String> appliedRoutes = Map.of();
    private Set<String> appliedRules = Set.of();

    VpcRouter(NetworkNamespace namespace, FakeVpc vpc) {
        this.namespace = namespace;
        this.vpc = vpc;
        namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf." + DEVICE + ".send_redirects=0");
        vpc.onChange(this::apply);
    }

    /** A subnet uses a table. */
    void associate(String subnet, String table) {
        ofSubnets.put(subnet, table);
        tables.putIfAbsent(table, FIRST_TABLE + tables.size());
        apply();
    }

    void add(Eni host) {
        hosts.add(host);
        apply();
    }

    /** Changes the difference only: a router has no gap where a route stays or is replaced. */
    private void apply() {
        Map<String, String> routes = new TreeMap<>();
        Set<String> rules = new TreeSet<>();
        tables.forEach((id, number) -> vpc.routes(id).forEach((destination, target) -> {
            Eni eni = vpc.living(target);
            routes.put(destination + " table " + number, eni == null ? "blackhole" : eni.address());
            if (eni != null) {
                rules.add("from " + destination + " lookup " + tables.get(ofSubnets.get(eni.subnet())));
            }
        }));
        routes.forEach((route, gateway) -> {
            if (!gateway.equals(appliedRoutes.get(route))) {
                ip("route replace " + (gateway.equals("blackhole") ? "blackhole " + route : route + " via " + gateway));
            }
        });
        appliedRoutes.keySet().stream().filter(route -> !routes.containsKey(route)).forEach(route -> ip("route del " + route));
        rules.stream().filter(rule -> !appliedRules.contains(rule)).forEach(rule -> ip("rule add pref 1000 " + rule));
        appliedRules.stream().filter(rule -> !rules.contains(rule)).forEach(rule -> ip("rule del pref 1000 " + rule));
        appliedRoutes = routes;
        appliedRules = rules;
        namespace.run("iptables", "-w", "-F", "FORWARD");
        for (Eni host : hosts) {
            if (host.sourceDestCheck()) {
                namespace.run("iptables", "-w", "-A", "FORWARD", "-m", "mac", "--mac-source", host.mac(), "!", "-s", host.address(), "-j", "DROP");
            }
        }
    }

    private void ip(String command) {
        namespace.run(("ip " + command).split(" "));
    }
}
