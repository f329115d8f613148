package flannel.check;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Do the leases in the store make sense, this host's above all? */
final class LeaseQuestions {

    private static final int NAMED = 3;

    /** Less than the margin in which daemons renew, 60 minutes, by what that may take. */
    private static final Duration LATE = Duration.ofMinutes(50);

    private LeaseQuestions() {
    }

    /** Is the subnet that this host uses still its own? */
    static List<Finding> own(Scene scene) {
        if (scene.store() == null || scene.underlay() == null) {
            return List.of();
        }
        Ipv4Subnet used = scene.network() != null && scene.network().lease() != null ? Ipv4Subnet.parse(scene.network().lease().subnet())
                : Scene.subnetOf(scene.subnetFile());
        Ipv4 us = scene.setup().publicIp() == null ? scene.underlay().address() : scene.setup().publicIp();
        if (used == null) {
            return scene.own() == null ? List.of(Finding.fail("lease", "this host has none in the store, nor a subnet of an earlier time",
                    "systemctl start flanneld takes one")) : List.of(Finding.ok("lease", scene.own().subnet() + " for " + us));
        }
        Entry there = scene.store().entries().stream().filter(entry -> entry.key().subnet().filter(used::equals).isPresent()).findFirst().orElse(null);
        return List.of(switch (there) {
            case null -> Finding.fail("lease", "the store has no lease of " + used + ", which this host uses: it has expired, or was deleted;"
                    + " another host may take the subnet", "systemctl restart flanneld");
            case Entry.Occupied occupied -> Finding.fail("lease", "the value of " + used + ", which this host uses, is no lease: " + occupied.why(),
                    "systemctl restart flanneld writes it again");
            case Lease lease when lease.attributes().publicIp().equals(us) -> Finding.ok("lease", used + " for " + us);
            case Lease lease -> Finding.fail("lease", used + ", which this host uses, is held by " + lease.attributes().publicIp() + ", and this host is " + us,
                    "systemctl restart flanneld takes another subnet, systemctl restart docker then follows");
        });
    }

    /** Two hosts that say they have one address get each other's packets. */
    static List<Finding> addresses(Scene scene) {
        if (scene.store() == null) {
            return List.of();
        }
        Map<Ipv4, List<Lease>> byAddress = scene.store().entries().stream().filter(Lease.class::isInstance).map(Lease.class::cast)
                .collect(Collectors.groupingBy(lease -> lease.attributes().publicIp(), TreeMap::new, Collectors.toList()));
        List<Finding> findings = new ArrayList<>();
        byAddress.forEach((address, leases) -> {
            if (leases.stream().map(LeaseQuestions::host).distinct().count() > 1) {
                findings.add(Finding.fail("addresses", "two hosts claim the PublicIP " + address + ": leases "
                        + leases.stream().map(lease -> lease.subnet().toString()).collect(Collectors.joining(", ")),
                        "mend -iface or -public-ip on the one whose address it is not; a lease of a host that is gone can be deleted"));
            }
        });
        return findings.stream().limit(NAMED).toList();
    }

    /** What tells hosts apart that have one address: our mark, else vxlan's device. */
    private static String host(Lease lease) {
        return lease.attributes().node().isEmpty() ? Objects.toString(lease.attributes().backendData()) : lease.attributes().node();
    }

    /** Daemons that are down, while their hosts' data path may be fine: they renew a lease an hour before its end. */
    static List<Finding> renewals(Scene scene) {
        Instant soon = Instant.now().plus(LATE);
        List<Lease> late = scene.peers().stream().filter(lease -> lease.expiry() instanceof Lease.At(Instant end) && end.isBefore(soon)).toList();
        return late.isEmpty() ? List.of() : List.of(Finding.warn("leases", late.size() + (late.size() == 1 ? " peer has" : " peers have")
                + " not renewed in time, so flanneld does not run there: " + late.stream().limit(NAMED).map(lease -> lease.attributes().publicIp().toString())
                        .collect(Collectors.joining(", ")) + "; packets flow until the lease ends", "systemctl start flanneld there"));
    }

    /** Whether a peer speaks the network's backend. */
    static boolean fits(Lease peer, Scene scene) {
        return type(peer.attributes().backendType()).equals(type(scene.config().backendType()));
    }

    /** Peers that this host can't reach whatever the kernel does. */
    static List<Finding> backends(Scene scene) {
        if (scene.config() == null) {
            return List.of();
        }
        List<Lease> others = scene.peers().stream().filter(lease -> !fits(lease, scene)).toList();
        return others.isEmpty() ? List.of() : List.of(Finding.warn("backends", others.size() + (others.size() == 1 ? " peer uses" : " peers use")
                + " another backend than this network's " + scene.config().backendType() + ": "
                + others.stream().limit(NAMED).map(lease -> lease.attributes().publicIp() + " (" + type(lease.attributes().backendType()) + ")")
                        .collect(Collectors.joining(", ")), "restart flanneld there: it reads the network's config at its start"));
    }

    /** The lease leaves these two out. */
    private static String type(String backend) {
        return backend.isEmpty() || backend.equals("udp") || backend.equals("alloc") ? "udp or alloc" : backend;
    }
}
