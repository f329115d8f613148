package flannel.daemon;

import flannel.etcd.EtcdOptions;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.Underlays;
import flannel.kube.KubeOptions;
import flannel.net.Ipv4;
import flannel.remote.RemoteOptions;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How the operator wants the daemon, from the command line and the environment.
 *
 * @param networks        which there are to be
 * @param etcd            where the store is and how to speak to it
 * @param remote          the flannel servers that are asked in its place, if any
 * @param kube            the Kubernetes cluster that is asked in their place, if one is
 * @param underlay        which interface leads to the other hosts
 * @param publicIp        address the other hosts shall use; null for the interface's own
 * @param subnetFile      where to write the subnet for Docker
 * @param stateDirectory  what outlives a reboot
 * @param renewMargin     how long before its end a lease is renewed
 * @param masquerade      whether to masquerade what leaves the overlay
 * @param fullyRandom     whether masquerading picks ports at random, where iptables can
 * @param forwardRules    whether to accept forwarded packets of the overlay
 * @param rulesCheck      how often to look whether the packet filter's rules still stand
 * @param dockerOptions   options that Docker has already; kept in front of ours
 * @param vxlanChecksums  whether a VXLAN device computes checksums
 * @param udpQueues       of the udp backend's TUN device, each with a socket and threads of its own
 * @param unreachable     whether what no host of a network holds is unreachable from this host
 * @param startAlone      whether a host whose store can't be asked starts with what it remembers
 * @param releaseOnExit   whether this host leaves its networks when the daemon is told to end, and gives their leases back
 */
public record Settings(NetworkSelection networks, EtcdOptions etcd, RemoteOptions remote, KubeOptions kube, Underlays.Selection underlay, Ipv4 publicIp,
        Path subnetFile, Path stateDirectory, Duration renewMargin, boolean masquerade, boolean fullyRandom, boolean forwardRules,
        Duration rulesCheck, String dockerOptions, ChecksumOffload vxlanChecksums, int udpQueues, boolean unreachable,
        boolean startAlone, boolean releaseOnExit) {
}
