package flannel.daemon;

import flannel.backend.AllocBackend;
import flannel.backend.Backend;
import flannel.backend.HostGwBackend;
import flannel.backend.VxlanBackend;
import flannel.backend.aws.AwsVpc;
import flannel.backend.cloud.LeaseCheck;
import flannel.backend.gce.Gce;
import flannel.backend.udp.UdpBackend;
import flannel.backend.udp.UdpConfig;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.IpForwarding;
import flannel.kernel.Link;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.kernel.Underlays;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Makes the backend that a network's configuration names, for this host.
 *
 * @param network   its name
 * @param checksums of a VXLAN device
 * @param udpQueues of a TUN device
 * @param nodeMark  see {@link flannel.lease.LeaseAttributes#node}
 * @param fatal     told when a thread of a backend's own dies
 */
record Backends(String network, Claims claims, StateDirectory state, ChecksumOffload checksums, int udpQueues, SubnetStore store, String nodeMark,
        Reconciler reconciler, Log log, Consumer<Throwable> fatal) implements BackendMaker {

    /**
     * Makes the backend; or follows the underlay with the one that is open, in its place.
     *
     * @param publicIp the address that this host's leases tell
     * @param former   what is open for this very config; null for none. It goes on when this fails, and is of no more use when it does not
     * @throws IllegalArgumentException with one sentence, when the configuration can't be used on this host
     * @throws IOException              when the kernel refuses what the backend needs, or another network of this host has it
     */
    @Override
    public Backend open(NetworkConfig config, Underlay underlay, Ipv4 publicIp, Backend former) throws IOException {
        refuseOverlap(config, underlay.address());
        refuseOverlap(config, publicIp);
        Optional<String> overlap = Underlays.overlap(config.network(), underlay);
        if (overlap.isPresent()) {
            throw new IllegalArgumentException("Network " + config.network() + " overlaps " + overlap.get()
                    + "; choose a range apart from the hosts' network");
        }
        claims.take(network, claim(config, underlay));
        if (former instanceof UdpBackend udp) {
            udp.moveTo(underlay); // its device and the packets that wait at it stay
            return udp;
        }
        Backend backend = open(config, underlay, publicIp);
        if (former != null) {
            former.close();
        }
        return backend;
    }

    private Backend open(NetworkConfig config, Underlay underlay, Ipv4 publicIp) throws IOException {
        return switch (config.backendType()) {
            case "vxlan" -> vxlan(config, underlay);
            case "host-gw" -> new HostGwBackend(underlay, publicIp);
            case "udp" -> UdpBackend.open(UdpConfig.of(config), config.network(), underlay, udpQueues, log, fatal);
            case "alloc" -> new AllocBackend(underlay);
            case "aws-vpc" -> {
                IpForwarding.enable(log);
                yield AwsVpc.open(config, underlay, System.getenv(), subnet -> holder(subnet, publicIp), log, fatal);
            }
            case "gce" -> {
                IpForwarding.enable(log);
                yield Gce.open(config, underlay, System.getenv(), subnet -> holder(subnet, publicIp), log, fatal);
            }
            case "ali-vpc", "tencent-vpc" -> throw new IllegalArgumentException("the backend " + config.backendType() + " is not in this daemon:"
                    + " use vxlan, which runs on any cloud, or alloc with routes by your own hand; of the clouds' routers it has aws-vpc and gce");
            default -> throw new IllegalArgumentException("unknown backend type: " + config.backendType()
                    + "; this daemon has vxlan, host-gw, udp, aws-vpc, gce and alloc");
        };
    }

    private static Claims.Claim claim(NetworkConfig config, Underlay underlay) {
        return switch (config.backendType()) {
            case "vxlan" -> {
                Link.Vxlan link = VxlanBackend.link(config, underlay, new MacAddress(0));
                yield new Claims.Claim(config.network(), link.name(), link.port(), link.gbp() ? "VXLAN with GBP" : "VXLAN");
            }
            case "udp" -> new Claims.Claim(config.network(), "", UdpConfig.of(config).port(), "");
            default -> new Claims.Claim(config.network(), "", 0, "");
        };
    }

    @Override
    public void settled() {
        claims.settle(network);
    }

    /** An overlay that holds the hosts' own addresses would swallow the packets it is carried by. */
    private static void refuseOverlap(NetworkConfig config, Ipv4 address) {
        if (config.network().contains(address)) {
            throw new IllegalArgumentException("Network " + config.network() + " contains this host's own address " + address
                    + "; choose a range apart from the hosts' network");
        }
    }

    /** For backends that write where all hosts write: asks the store itself, since what was told of it may be old. */
    private LeaseCheck.Holder holder(Ipv4Subnet subnet, Ipv4 publicIp) throws StoreException, InterruptedException {
        for (Entry entry : store.read()) {
            if (entry.key().subnet().filter(subnet::equals).isPresent()) {
                boolean ours = entry instanceof Lease lease
                        && (lease.attributes().publicIp().equals(publicIp) || lease.attributes().node().equals(nodeMark));
                return ours ? LeaseCheck.Holder.THIS_HOST : LeaseCheck.Holder.ANOTHER;
            }
        }
        return LeaseCheck.Holder.NOBODY;
    }

    private VxlanBackend vxlan(NetworkConfig config, Underlay underlay) throws IOException {
        int vni = VxlanBackend.link(config, underlay, new MacAddress(0)).vni();
        Link.Vxlan link = VxlanBackend.link(config, underlay, state.vtepMac(vni, underlay.mac(), underlay.address()));
        MacAddress adopted = reconciler.vtepMac(link).orElse(link.address());
        return new VxlanBackend(underlay, VxlanBackend.link(config, underlay, adopted).withChecksums(checksums),
                VxlanBackend.directRouting(config));
    }
}
