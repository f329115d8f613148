package flannel.lab.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;

import flannel.lab.Await;
import flannel.lab.Host;
import flannel.lab.KernelView;
import flannel.lab.Lab;
import flannel.lab.Needs;
import flannel.lab.Store;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A whole rack that gets its power back: all hosts start in the same second, and none has been in the network before. */
class ManyHostsTest {

    /** More by hand: java -Dflannel.hosts=50 ... */
    private static final int HOSTS = Integer.getInteger("flannel.hosts", 12);

    @ParameterizedTest
    @EnumSource(Store.Api.class)
    void eachHasASubnetOfItsOwnAndAWayToAllOthers(Store.Api api) throws Exception {
        Needs.programs();
        try (Lab lab = new Lab(api, Lab.built())) {
            lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"host-gw\"}}");
            List<Host> hosts = new ArrayList<>();
            for (int i = 1; i <= HOSTS; i++) {
                hosts.add(lab.host(i));
            }
            lab.startAll(hosts.toArray(Host[]::new));
            TreeSet<String> subnets = new TreeSet<>();
            for (Host host : hosts) {
                subnets.add(host.subnet());
            }
            assertEquals(HOSTS, subnets.size(), subnets.toString());
            for (Host host : hosts) {
                TreeSet<String> others = new TreeSet<>(subnets);
                others.remove(host.subnet());
                Await.that(host.address() + " has a route to each of " + others, () -> routed(host).equals(others));
            }
        }
    }

    private static TreeSet<String> routed(Host host) {
        TreeSet<String> routed = new TreeSet<>();
        KernelView.routes(host).stream().map(route -> route.split(" ")[0]).filter(to -> to.startsWith("10.1.")).forEach(routed::add);
        return routed;
    }
}
