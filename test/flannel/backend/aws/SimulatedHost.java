package flannel.backend.aws;

import flannel.backend.cloud.Http;
import flannel.backend.cloud.LeaseCheck;
import flannel.backend.cloud.LeaseView;
import flannel.backend.cloud.RouteKeeper;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/** An instance that runs flanneld's side of the matter on virtual time, on a {@link FakeAws}, with leases that it is told. */
final class SimulatedHost {

    static final String CONFIG = "{\"Network\":\"10.20.0.0/14\",\"Backend\":{\"Type\":\"aws-vpc\"}}";

    final FakeVpc.Eni eni;
    final FakeMetadata metadata;
    final VpcRouteTables tables;
    final RouteKeeper keeper;
    final Set<Ipv4Subnet> others = new HashSet<>();
    final Map<Ipv4Subnet, LeaseCheck.Holder> store = new HashMap<>();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    Ipv4Subnet own;

    /** With the key of the environment. */
    SimulatedHost(FakeAws aws, VirtualClock clock, FakeVpc.Eni eni, Ipv4Subnet own, String config, RandomGenerator random) {
        this(aws, clock, eni, own, config, random, Map.of("AWS_ACCESS_KEY_ID", FakeAws.KEY.accessKeyId(),
                "AWS_SECRET_ACCESS_KEY", FakeAws.KEY.secretAccessKey()));
    }

    SimulatedHost(FakeAws aws, VirtualClock clock, FakeVpc.Eni eni, Ipv4Subnet own, String config, RandomGenerator random,
            Map<String, String> environment) {
        this.eni = eni;
        this.own = own;
        this.metadata = new FakeMetadata(aws, eni, clock, null);
        Http http = aws.seenBy(metadata);
        NetworkConfig network = NetworkConfig.parse(config);
        Log lines = new Log(new PrintStream(log, true), 0);
        this.tables = new VpcRouteTables(new AwsSession(environment, Path.of("/nonexistent"), http, clock, underlay(eni), network),
                VpcConfig.of(network), lines);
        this.keeper = new RouteKeeper(tables, network, this::holder, clock::nanos, random, lines);
    }

    static Underlay underlay(FakeVpc.Eni eni) {
        return new Underlay("eth0", 2, Ipv4.parse(eni.address()), Ipv4Subnet.parse(FakeVpc.CIDR), 9001, MacAddress.parse(eni.mac));
    }

    private LeaseCheck.Holder holder(Ipv4Subnet subnet) {
        return store.getOrDefault(subnet, subnet.equals(own) ? LeaseCheck.Holder.THIS_HOST
                : others.contains(subnet) ? LeaseCheck.Holder.ANOTHER : LeaseCheck.Holder.NOBODY);
    }

    Duration round() {
        try {
            return keeper.round(new LeaseView(own, others));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Lets time pass, and does what is due. */
    void run(VirtualClock clock, Duration time) {
        long end = clock.nanos() + time.toNanos();
        for (Duration wait = round(); clock.nanos() + wait.toNanos() <= end; wait = round()) {
            clock.advance(wait);
        }
        clock.advance(Duration.ofNanos(end - clock.nanos()));
    }

    String log() {
        return log.toString();
    }
}
