package flannel.fuzz;

import flannel.backend.BackendFuzz;
import flannel.backend.udp.UdpFuzz;
import flannel.cli.CliFuzz;
import flannel.daemon.DaemonFuzz;
import flannel.etcd.EtcdFuzz;
import flannel.json.JsonFuzz;
import flannel.kernel.KernelFuzz;
import flannel.kube.KubeFuzz;
import flannel.lease.LeaseFuzz;
import flannel.netlink.NetlinkFuzz;
import flannel.server.ServerFuzz;
import flannel.store.StoreFuzz;
import flannel.tls.TlsFuzz;
import java.util.List;
import java.util.stream.Stream;

/** Everything that is tried. */
final class Targets {

    private Targets() {
    }

    static List<Target> all() {
        return Stream.of(JsonFuzz.targets(), LeaseFuzz.targets(), EtcdFuzz.targets(), DaemonFuzz.targets(), StoreFuzz.targets(),
                KubeFuzz.targets(),
                ServerFuzz.targets(), CliFuzz.targets(), TlsFuzz.targets(), UdpFuzz.targets(), List.of(NetlinkFuzz.target(),
                        KernelFuzz.target(), BackendFuzz.target()))
                .flatMap(List::stream).toList();
    }
}
