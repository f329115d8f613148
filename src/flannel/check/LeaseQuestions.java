package flannel.check;

import flannel.backend.UnusablePeerException;
import flannel.backend.VxlanBackend;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Do the leases in the store make sense, this host's above all? */
final class LeaseQuestions {

    private static final int NAMED = 3;

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
                    "systemctl start flanneld; it takes one")) : List.of(Finding.ok("lease", scene.own().subnet() + " for " + us));
        }
        Entry there = scene.store().entries().stream().filter(entry -> entry.key().subnet().filter(used::equals).isPresent())
                .findFirst().orElse(null);
        return List.of(switch (there) {
            case null -> Finding.fail("lease", "the store has no lease of " + used + ", which this host uses: it was deleted, or has expired, as"
                    + " happens a day after flanneld has last run; another host may take the subnet",
                    "systemctl restart flanneld; it takes the same one, if it is still free");
            case Entry.Occupied occupied -> Finding.fail("lease", "the value of " + used + ", which this host uses, is no lease: " + occupied.why(),
                    "systemctl restart flanneld; it writes it again");
            case Lease lease when lease.attributes().publicIp().equals(us) && scene.config() != null
                    && !scene.config().network().contains(used) -> Finding.warn("lease",
                    "the network's range is now " + scene.config().network() + ", and this host uses " + used + ", of an earlier one",
                    "systemctl restart flanneld && systemctl restart docker; on all hosts, for those of both ranges do not reach each other");
            case Lease lease when lease.attributes().publicIp().equals(us) -> Finding.ok("lease", used + " for " + us);
            case Lease lease -> Finding.fail("lease", used + ", which this host uses, is held by " + lease.attributes().publicIp()
                    + ", and this host is " + us,
                    "systemctl restart flanneld && systemctl restart docker; both then have another subnet");
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
                findings.add(Finding.fail("addresses", "two hosts claim the PublicIP " + address + ": leases " + subnets(leases),
                        "mend -iface or -public-ip on the one whose address it is not; flanneld lease release SUBNET takes away the lease of a host that is gone"));
            }
        });
        doubles(scene).forEach((mac, leases) -> findings.add(Finding.fail("addresses", "two hosts have the VtepMAC " + mac
                + ", as copies of a machine do: leases "
                + subnets(leases) + "; only one of them gets packets", "ip link delete " + scene.device()
                + " && rm -r /var/lib/flannel && systemctl restart flanneld;"
                + " on one of the two, which so gets an address of its own")));
        return findings.stream().limit(NAMED).toList();
    }

    /** Leases of different hosts whose VXLAN devices have one address, by it. */
    static Map<String, List<Lease>> doubles(Scene scene) {
        if (scene.config() == null || !scene.config().backendType().equals("vxlan")) {
            return Map.of();
        }
        Map<String, List<Lease>> byMac = scene.store().entries().stream().filter(Lease.class::isInstance).map(Lease.class::cast)
                .filter(lease -> fits(lease, scene) && !lease.attributes().backendText("VtepMAC").isEmpty())
                .collect(Collectors.groupingBy(lease -> lease.attributes().backendText("VtepMAC").toLowerCase(Locale.ROOT), TreeMap::new,
                Collectors.toList()));
        byMac.values().removeIf(leases -> leases.stream().map(lease -> lease.attributes().publicIp()).distinct().count() == 1);
        return byMac;
    }

    private static String subnets(List<Lease> leases) {
        return leases.stream().map(lease -> lease.subnet() + " of " + lease.attributes().publicIp()).collect(Collectors.joining(", "));
    }

    /** Leases of hosts that go by another config than this. */
    static List<Finding> ranges(Scene scene) {
        if (scene.config() == null || scene.own() != null && !scene.config().network().contains(scene.own().subnet())) {
            return List.of(); // there this host is the one that has not followed
        }
        List<Lease> outside = scene.peers().stream().filter(lease -> !scene.config().network().contains(lease.subnet())).toList();
        return outside.isEmpty() ? List.of() : List.of(Finding.warn("leases", outside.size() + (outside.size() == 1 ? " lease lies" : " leases lie")
                + " outside of the network's range " + scene.config().network() + ": " + subnets(outside.stream().limit(NAMED).toList()),
                "systemctl restart flanneld; there: it reads the network's config at its start"));
    }

    /** What tells hosts apart that have one address: our mark, else vxlan's device. */
    private static String host(Lease lease) {
        return lease.attributes().node().isEmpty() ? Objects.toString(lease.attributes().backendData()) : lease.attributes().node();
    }

    /** Daemons that are down, while their hosts' data path may be fine: they renew a lease in time. */
    static List<Finding> renewals(Scene scene) {
        Instant soon = Instant.now().plus(scene.setup().margin().multipliedBy(5).dividedBy(6)); // they may take a while
        List<Lease> late = scene.peers().stream().filter(lease -> lease.expiry() instanceof Lease.At(Instant end) && end.isBefore(soon)).toList();
        return late.isEmpty() ? List.of() : List.of(Finding.warn("leases", late.size() + (late.size() == 1 ? " peer has" : " peers have")
                + " not renewed in time, so flanneld does not run there: " + late.stream().limit(NAMED).map(lease ->
                lease.attributes().publicIp().toString())
                        .collect(Collectors.joining(", ")) + "; packets flow until the lease ends", "systemctl start flanneld; there"));
    }

    /** Whether a peer speaks the network's backend. */
    static boolean fits(Lease peer, Scene scene) {
        return type(peer.attributes().backendType()).equals(type(scene.config().backendType()));
    }

    /** Whether packets could be sent to a peer by what its lease says: the daemon leaves out the others, and says so. */
    static boolean leadsSomewhere(Lease peer, Scene scene) {
        try {
            return peer.attributes().publicIp().isUnicast() && (!scene.config().backendType().equals("vxlan") || VxlanBackend.vtepMac(peer) != null);
        } catch (UnusablePeerException e) {
            return false;
        }
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
                        .collect(Collectors.joining(", ")), "systemctl restart flanneld; there: it reads the network's config at its start"));
    }

    /** The lease leaves these two out. */
    private static String type(String backend) {
        return backend.isEmpty() || backend.equals("udp") || backend.equals("alloc") ? "udp or alloc" : backend;
    }
}
