package flannel.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SubnetAllocatorTest {

    private final SubnetAllocator allocator = new SubnetAllocator(new Random(3));

    @Test
    void picksAmongTheFirstHundredFree() {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.0.0.0/8\"}");
        Set<Ipv4Subnet> seen = new HashSet<>();
        for (int i = 0; i < 5_000; i++) {
            seen.add(allocator.pick(config, new TreeSet<>(Set.of(Ipv4Subnet.parse("10.0.5.0/24"))), new FreeFront()).orElseThrow());
        }
        assertEquals(100, seen.size());
        assertTrue(seen.contains(Ipv4Subnet.parse("10.0.1.0/24")), "the network's first subnet is left out, the second is not");
        assertTrue(seen.contains(Ipv4Subnet.parse("10.0.101.0/24")));
        assertTrue(!seen.contains(Ipv4Subnet.parse("10.0.5.0/24")));
    }

    @Test
    void agreesWithAPlainSearch() {
        Random random = new Random(11);
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/20\",\"SubnetLen\":26}");
        for (int round = 0; round < 300; round++) {
            SortedSet<Ipv4Subnet> taken = new TreeSet<>();
            for (int i = random.nextInt(70); i > 0; i--) {
                taken.add(new Ipv4Subnet(new Ipv4(config.network().base().bits() + random.nextInt(4096)), 20 + random.nextInt(11)));
            }
            Set<Ipv4Subnet> free = new HashSet<>();
            for (int base = config.subnetMin().bits(); base <= config.subnetMax().bits(); base += 64) {
                Ipv4Subnet subnet = new Ipv4Subnet(new Ipv4(base), 26);
                if (taken.stream().noneMatch(subnet::overlaps)) {
                    free.add(subnet);
                }
            }
            Optional<Ipv4Subnet> picked = allocator.pick(config, taken, new FreeFront());
            assertEquals(free.isEmpty(), picked.isEmpty());
            picked.ifPresent(subnet -> assertTrue(free.contains(subnet)));
        }
    }

    /** As in a store that gives out subnets one after the other, takes some back, and holds some of another length. */
    @Test
    void nothingIsLostBehindTheFront() throws Exception {
        Random random = new Random(5);
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":26}");
        SortedSet<Ipv4Subnet> taken = new TreeSet<>(Set.of(Ipv4Subnet.parse("10.1.0.0/24"), Ipv4Subnet.parse("10.1.16.0/20")));
        FreeFront front = new FreeFront();
        int room = 1024 - 4 - 64;
        for (int i = 0; i < 3_000; i++) {
            if (random.nextInt(1_000) < 15 && taken.size() > 2) {
                taken.remove(List.copyOf(taken).get(2 + random.nextInt(taken.size() - 2)));
                front.reset();
            }
            int used = (int) taken.stream().filter(subnet -> subnet.prefixLength() == 26).count();
            Optional<Ipv4Subnet> picked = allocator.pick(config, taken, front);
            assertEquals(used < room, picked.isPresent());
            picked.ifPresent(subnet -> assertTrue(taken.stream().noneMatch(subnet::overlaps) && taken.add(subnet)));
        }
    }

    @Test
    void doesNotWrapAroundAtTheEndOfTheAddressSpace() {
        NetworkConfig config = new NetworkConfig(Ipv4Subnet.parse("255.255.255.0/24"), 26, Ipv4.parse("255.255.255.192"),
                Ipv4.parse("255.255.255.192"), "udp", JsonValue.object(), List.of());
        assertEquals(Optional.of(Ipv4Subnet.parse("255.255.255.192/26")), allocator.pick(config, new TreeSet<>(), new FreeFront()));
    }
}
