package flannel.lab;

import flannel.backend.aws.FakeVpc;
import flannel.backend.aws.FakeVpc.Eni;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The lab's switch as a VPC's router: it forwards by the tables of a {@link FakeVpc}, each host's packets by the table of the subnet that the
 * host is in, drops what goes to a blackhole, and what the source/destination check of an interface forbids.
 */
final class VpcRouter {

    private static final String DEVICE = "br0";
    private static final int FIRST_TABLE = 100;
    private static final String PREFERENCE = "1000";

    private final NetworkNamespace namespace;
    private final FakeVpc vpc;
    /** By the cloud's id: the kernel's. */
    private final Map<String, Integer> tables = new HashMap<>();
    /** By the cloud's subnet: its table's id. */
    private final Map<String, String> ofSubnets = new HashMap<>();
    private final List<Eni> hosts = new ArrayList<>();

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

    private void apply() {
        while (namespace.tryRun("ip", "rule", "del", "pref", PREFERENCE).exitCode() == 0) {
            // one goes each time
        }
        tables.forEach((id, number) -> {
            namespace.tryRun("ip", "route", "flush", "table", Integer.toString(number));
            vpc.routes(id).forEach((destination, target) -> {
                Eni eni = vpc.living(target);
                List<String> route = new ArrayList<>(List.of("ip", "route", "add", "table", Integer.toString(number)));
                route.addAll(eni == null ? List.of("blackhole", destination) : List.of(destination, "via", eni.address()));
                namespace.run(route.toArray(String[]::new));
                if (eni != null) {
                    namespace.run("ip", "rule", "add", "pref", PREFERENCE, "from", destination, "lookup",
                            Integer.toString(tables.get(ofSubnets.get(eni.subnet()))));
                }
            });
        });
        namespace.run("iptables", "-w", "-F", "FORWARD");
        for (Eni host : hosts) {
            if (host.sourceDestCheck()) {
                namespace.run("iptables", "-w", "-A", "FORWARD", "-m", "mac", "--mac-source", host.mac(), "!", "-s", host.address(), "-j", "DROP");
            }
        }
    }
}
