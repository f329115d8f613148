package flannel.daemon;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.json.JsonException;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.Moment;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/** Spoiled files that a daemon finds again, and spoiled leases for a session with a kernel in memory. */
public final class DaemonFuzz {

    private static final Ipv4Subnet NETWORK = NetworkConfig.parse(VirtualCluster.CONFIG).network();
    private static final Ipv4Subnet OWN = Ipv4Subnet.parse("10.1.5.0/24");
    private static final MacAddress CARD = MacAddress.parse("52:54:00:12:34:56");
    private static final String LEASE = "{\"PublicIP\":\"192.168.32.212\",\"BackendType\":\"host-gw\",\"Node\":\"mark2\"}";
    /** Of another host, of this one's address, and of this one. */
    private static final List<byte[]> LEASES = Target.texts(LEASE, LEASE.replace("212", "211"), LEASE.replace("mark2", "mark1"));
    private static final byte[] REMEMBERED = String.join("", new Remembered(VirtualCluster.CONFIG, new Moment("cdf818194e3a8c32", 124), Instant.EPOCH,
            lease("10.1.5.0-24", LEASES.getLast(), new Lease.Never()), List.of(lease("10.1.6.0-24", LEASES.getFirst(), new Lease.Unknown()),
                    lease("10.1.7.0-24", LEASES.getFirst(), new Lease.At(Instant.EPOCH)))).parts()).getBytes(StandardCharsets.UTF_8);
    private static final int FEW = 12;
    private static final int MANY = 1_000;

    private DaemonFuzz() {
    }

    public static List<Target> targets() {
        Path folder = Target.folder("networks", "node", "node-id", "subnet.env");
        return List.of(
                new Target("subnet.env", Target.texts(file(OWN).text(), "FLANNEL_SUBNET=\"10.1.7.1/24\"\n"), Mutation::bytes, Set.of(),
                        (input, dice) -> SubnetFile.subnetOf(Target.text(input)).ifPresent(
                                subnet -> Target.same(subnet, SubnetFile.subnetOf(file(subnet).text()).orElseThrow()))),
                new Target("state directory", Target.texts("{\"mark\":\"8f14e45fceea167a\",\"macs\":[\"52:54:00:12:34:56\"]}\n",
                        "0123456789abcdef0123456789abcdef\n", "FLANNEL_SUBNET=10.1.7.1/24\n"), JsonMutation::mutate, Set.of(),
                        (input, dice) -> stateDirectory(folder, input, dice)),
                new Target("remembered network", List.of(REMEMBERED), DaemonFuzz::spoilLines, Set.of(), (input, dice) -> remembered(input)),
                new Target("leases for a session", Target.texts(LEASE), JsonMutation::mutate, Set.of(), DaemonFuzz::session));
    }

    private static Lease lease(String key, byte[] value, Lease.Expiry expiry) {
        try {
            return new Lease(Ipv4Subnet.parseKey(key), LeaseAttributes.parse(Target.text(value)), expiry, 7);
        } catch (JsonException e) {
            throw new AssertionError(e);
        }
    }

    /** As bytes; or line by line under a sum that is right, as another version may have written it. */
    private static byte[] spoilLines(List<byte[]> samples, RandomGenerator dice) {
        if (dice.nextInt(4) == 0) {
            return Mutation.bytes(samples, dice);
        }
        List<String> lines = Target.text(samples.getFirst()).lines().toList();
        StringBuilder text = new StringBuilder();
        for (String line : lines.subList(0, lines.size() - 1)) {
            text.append(dice.nextBoolean() ? line : Target.text(JsonMutation.mutate(Target.texts(line), dice))).append('\n');
        }
        return Target.texts(text + Remembered.sumOf(text.toString())).getFirst();
    }

    private static void remembered(byte[] input) {
        Optional<Remembered> found = Remembered.parse(Target.text(input));
        if (found.isPresent()) {
            found.get().asOf(Instant.EPOCH);
            if (Remembered.parse(String.join("", found.get().parts())).isEmpty()) {
                throw new AssertionError("it can't be remembered again: " + found);
            }
        }
    }

    private static SubnetFile file(Ipv4Subnet subnet) {
        return new SubnetFile(NETWORK, subnet, 1450, true);
    }

    private static void stateDirectory(Path folder, byte[] input, RandomGenerator dice) throws IOException {
        Files.write(folder.resolve(List.of("node", "node-id", "subnet.env").get(dice.nextInt(3))), input);
        StateDirectory state = new StateDirectory(folder, new Log(new PrintStream(OutputStream.nullOutputStream()), 0));
        String mark = state.nodeMark(CARD, List.of(CARD));
        if (!mark.matches("[0-9a-f]{16}") || !mark.equals(state.nodeMark(CARD, List.of(CARD)))
                || !state.vtepMac(1, CARD, NETWORK.base()).isUnicast()) {
            throw new AssertionError("a mark " + mark + ", or another one at the next look");
        }
        state.forNetwork("").previousSubnet();
        NetworkMemory network = state.forNetwork(new String(input, 0, Math.min(40, input.length), StandardCharsets.UTF_8));
        network.rememberTakenOver();
        network.forget();
        try (var files = Files.list(folder.resolve("networks"))) {
            Target.same(0L, files.count());
        } catch (NoSuchFileException e) {
            // as it should be
        }
    }

    /** Two hosts; beside their leases come others, with names and values of all kinds, and go. */
    private static void session(byte[] input, RandomGenerator dice) {
        VirtualCluster cluster = new VirtualCluster(dice.nextLong());
        VirtualCluster.Host host = cluster.host(1);
        host.start();
        cluster.run(Duration.ofSeconds(1));
        Ipv4Subnet own = host.subnet();
        List<String> keys = new ArrayList<>();
        boolean many = dice.nextInt(200) == 0;
        for (int i = many ? MANY : dice.nextInt(1, FEW); i > 0; i--) {
            String key = many ? "10.1." + i % 250 + "." + i / 250 * 64 + "-26" : key(own, dice);
            keys.add(key);
            String value = many || dice.nextInt(4) == 0 ? LEASE : Target.text(i == 1 ? input : JsonMutation.mutate(LEASES, dice));
            cluster.store.write(key, value, dice.nextInt(20) == 0 ? dice.nextLong() : 100 + i);
        }
        cluster.run(Duration.ofSeconds(dice.nextInt(5)));
        check(host);
        keys.forEach(cluster.store::remove);
        cluster.run(Duration.ofMinutes(6));
        check(host);
        if (!host.kernel.routes().isEmpty()) {
            throw new AssertionError("routes that no lease asks for: " + host.kernel.routes());
        }
    }

    private static String key(Ipv4Subnet own, RandomGenerator dice) {
        return switch (dice.nextInt(8)) {
            case 0 -> own.toKey();
            case 1 -> Target.text(Mutation.bytes(Target.texts(own.toKey(), "0.0.0.0-0", "10.0.0.0-8", "192.168.32.0-24"), dice));
            case 2 -> new Ipv4Subnet(new Ipv4(dice.nextInt()), dice.nextInt(33)).toKey();
            case 3 -> new Ipv4Subnet(own.base(), dice.nextInt(33)).toKey();
            case 4 -> new Ipv4Subnet(new Ipv4(NETWORK.base().bits() | dice.nextInt(1 << 16)), dice.nextInt(8, 33)).toKey();
            default -> "10.1." + dice.nextInt(256) + ".0-24";
        };
    }

    private static void check(VirtualCluster.Host host) {
        Ipv4Subnet own = host.subnet();
        for (String route : host.kernel.routes()) {
            String[] words = route.split(" via ");
            Ipv4Subnet to = Ipv4Subnet.parse(words[0]);
            Ipv4 gateway = Ipv4.parse(words[1]);
            if (!NETWORK.contains(to) || to.prefixLength() <= NETWORK.prefixLength() || to.overlaps(own) || gateway.equals(host.address)
                    || !gateway.isUnicast() || NETWORK.contains(gateway)) {
                throw new AssertionError("a route " + route + " on " + host.address + " with " + own + ":\n" + host.logged);
            }
        }
    }
}
