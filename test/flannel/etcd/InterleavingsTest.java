package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two hosts look, take a subnet and write their lease again: in every order that their requests can come in, with writes that
 * come late or never, answers that are lost, and leases that expire in between. {@link Interleavings} has the rules.
 */
class InterleavingsTest {

    /** Writes lost, or keys expired, in a history; 3 take minutes by hand: java -Dflannel.losses=3 ... */
    private static final int LOSSES = Integer.getInteger("flannel.losses", 2);

    private static final Log SILENT = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private static final NetworkConfig WIDE = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
    /** Room for two. */
    private static final NetworkConfig NARROW = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.8.0\","
            + "\"SubnetMax\":\"10.1.9.0\",\"Backend\":{\"Type\":\"vxlan\"}}");

    /** What the two find when they start, and what they remember. */
    enum Beginning {
        /** The same dice: both want the same subnet. */
        NEW_AND_OF_ONE_MIND(WIDE, null, null),
        BOTH_REMEMBER_ONE_SUBNET(WIDE, "10.1.42.0/24", "10.1.42.0/24"),
        NARROW_NETWORK(NARROW, null, "10.1.8.0/24"),
        BOTH_HAVE_LEASES(WIDE, null, null, "10.1.42.0/24 1 node1", "10.1.43.0/24 2 node2"),
        ONE_REMEMBERS_THE_SUBNET_OF_THE_OTHER(WIDE, "10.1.43.0/24", null, "10.1.43.0/24 2 node2"),
        /** Of a Go daemon on the same machine: it tells the address, and no mark. */
        ONE_WITHOUT_ITS_MARK(WIDE, null, "10.1.42.0/24", "10.1.42.0/24 1 "),
        /** Written before the network was made narrow. */
        ONE_OUTSIDE_OF_THE_NETWORK(NARROW, null, null, "10.1.42.0/24 1 node1"),
        A_STRANGER_HAS_WHAT_BOTH_REMEMBER(NARROW, "10.1.8.0/24", "10.1.8.0/24", "10.1.8.0/24 3 node3");

        private final NetworkConfig config;
        private final String[] previous;
        private final List<Lease> leases = new ArrayList<>();

        /** @param leases subnet, number of the host whose address they tell, mark */
        Beginning(NetworkConfig config, String previousOfOne, String previousOfTwo, String... leases) {
            this.config = config;
            previous = new String[] {previousOfOne, previousOfTwo};
            for (String lease : leases) {
                String[] words = lease.split(" ", 3);
                this.leases.add(new Lease(Ipv4Subnet.parse(words[0]), attributes(Integer.parseInt(words[1]), words[2], "vxlan"),
                        new Lease.At(Instant.MAX), this.leases.size() + 1));
            }
        }
    }

    private static LeaseAttributes attributes(int host, String mark, String type) {
        return new LeaseAttributes(Ipv4.parse("192.168.32." + host), type, null, mark);
    }

    /** What a daemon asks of its store, in short. */
    private static Interleavings.Host host(int number, NetworkConfig config, String previous) {
        LeaseAttributes mine = attributes(number, "node" + number, "vxlan");
        LeaseAttributes later = attributes(number, "node" + number, "host-gw");
        Wish wish = new Wish(config, mine, previous == null ? null : Ipv4Subnet.parse(previous), Set.of(), Set.of());
        return new Interleavings.Host(mine, registry -> {
            List<Entry> known = registry.list().entries();
            Lease taken = new LeaseKeeper(registry, new Random(1), SILENT).take(wish, known).lease();
            return registry.update(taken, later, Lease.TIME_TO_LIVE);
        });
    }

    @ParameterizedTest
    @EnumSource(Interleavings.Api.class)
    void everyOrderEndsWell(Interleavings.Api api) {
        long histories = 0;
        long moments = 0;
        for (Beginning beginning : Beginning.values()) {
            List<Interleavings.Host> hosts = List.of(host(1, beginning.config, beginning.previous[0]),
                    host(2, beginning.config, beginning.previous[1]));
            for (int expiries = 0; expiries <= 1; expiries++) {
                try {
                    Interleavings all = new Interleavings(api, hosts);
                    histories += all.explore(beginning.leases, LOSSES - expiries, expiries);
                    moments += all.moments();
                } catch (AssertionError e) {
                    throw new AssertionError(beginning + ": " + e.getMessage(), e);
                }
            }
        }
        System.out.printf("    %s: %,d histories of two hosts through %,d moments, at most %d writes lost or late, or keys expired, in each%n", api, histories,
                moments, LOSSES);
        assertTrue(histories > 1_000_000, "only " + histories + " histories");
    }
}
