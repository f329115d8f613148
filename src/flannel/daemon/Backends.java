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
import flannel.kernel.Link;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseRegistry;
import flannel.lease.NetworkConfig;
import flannel.lease.RegistryException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * Makes the backend that a network's configuration names, for this host.
 *
 * @param publicIp the address that this host's leases tell
 * @param fatal    told when a thread of a backend's own dies
 */
record Backends(Underlay underlay, Ipv4 publicIp, LeaseRegistry registry, StateDirectory state, Reconciler reconciler, Log log,
        Consumer<Throwable> fatal) {

    /**
     * Makes the backend.
     *
     * @throws IllegalArgumentException with one sentence, when the configuration can't be used on this host
     * @throws IOException              when the kernel refuses what the backend needs
     */
    Backend open(NetworkConfig config) throws IOException {
        refuseOverlap(config, underlay.address());
        refuseOverlap(config, publicIp);
        return switch (config.backendType()) {
            case "vxlan" -> vxlan(config);
            case "host-gw" -> new HostGwBackend(underlay, publicIp);
            case "udp" -> UdpBackend.open(UdpConfig.of(config), config.network(), underlay, log, fatal);
            case "alloc" -> new AllocBackend(underlay);
            case "aws-vpc" -> AwsVpc.open(config, underlay, System.getenv(), this::holder, log, fatal);
            case "gce" -> Gce.open(config, underlay, System.getenv(), this::holder, log, fatal);
            case "ali-vpc", "tencent-vpc" -> throw new IllegalArgumentException("the backend " + config.backendType() + " is not in this daemon:"
                    + " use vxlan, which runs on any cloud, or alloc with routes by your own hand; of the clouds' routers it has aws-vpc and gce");
            default -> throw new IllegalArgumentException("unknown backend type: " + config.backendType()
                    + "; this daemon has vxlan, host-gw, udp, aws-vpc, gce and alloc");
        };
    }

    /** An overlay that holds the hosts' own addresses would swallow the packets it is carried by. */
    private static void refuseOverlap(NetworkConfig config, Ipv4 address) {
        if (config.network().contains(address)) {
            throw new IllegalArgumentException("Network " + config.network() + " contains this host's own address " + address
                    + "; choose a range apart from the hosts' network");
        }
    }

    /** For backends that write where all hosts write: asks the store itself, since what we have heard of it may be old. */
    private LeaseCheck.Holder holder(Ipv4Subnet subnet) throws RegistryException, InterruptedException {
        for (Lease lease : registry.list().leases()) {
            if (lease.subnet().equals(subnet)) {
                return lease.attributes().publicIp().equals(publicIp) ? LeaseCheck.Holder.THIS_HOST : LeaseCheck.Holder.ANOTHER;
            }
        }
        return LeaseCheck.Holder.NOBODY;
    }

    private VxlanBackend vxlan(NetworkConfig config) throws IOException {
        int vni = VxlanBackend.link(config, underlay, new MacAddress(0)).vni();
        Link.Vxlan link = VxlanBackend.link(config, underlay, state.vtepMac(vni, underlay.mac(), underlay.address()));
        MacAddress adopted = reconciler.vtepMac(link).orElse(link.address());
        return new VxlanBackend(underlay, VxlanBackend.link(config, underlay, adopted), VxlanBackend.directRouting(config));
    }
}
