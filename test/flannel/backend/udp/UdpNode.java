package flannel.backend.udp;

import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.log.Log;
import flannel.log.LogOptions;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.List;

/** The data path alone, with fixed peers, for measuring: UdpNode LEVEL NETWORK ADDRESS MTU SUBNET [PEER-SUBNET=ADDRESS ...]. */
final class UdpNode {

    private UdpNode() {
    }

    public static void main(String[] a) throws Exception {
        Ipv4 address = Ipv4.parse(a[2]);
        Ipv4Subnet network = Ipv4Subnet.parse(a[1]);
        Underlay underlay = new Underlay("eth0", 2, address, new Ipv4Subnet(address, 24), Integer.parseInt(a[3]), new MacAddress(0));
        Limits limits = new Limits(Integer.getInteger("packets", 64), Integer.getInteger("bytes", 262144), Integer.getInteger("messages", 8),
                Integer.getInteger("threads", 1));
        UdpBackend backend = UdpBackend.open(new UdpConfig(8285, true, Level.parse(a[0])), network, underlay, limits,
                Log.open(LogOptions.quiet()), t -> { t.printStackTrace(); System.exit(3); });
        List<Lease> leases = new ArrayList<>();
        Ipv4Subnet own = Ipv4Subnet.parse(a[4]);
        leases.add(lease(own, address));
        for (int i = 5; i < a.length; i++) {
            String[] peer = a[i].split("=");
            leases.add(lease(Ipv4Subnet.parse(peer[0]), Ipv4.parse(peer[1])));
        }
        backend.leases(own, leases);
        String name = backend.link().name();
        for (String c : List.of("ip link set " + name + " up mtu " + backend.mtu() + " txqueuelen " + Integer.getInteger("qlen", 500),
                "ip addr add " + own.base() + "/" + network.prefixLength() + " dev " + name)) {
            new ProcessBuilder(c.split(" ")).inheritIO().start().waitFor();
        }
        System.err.println("up");
        while (System.in.read() >= 0) {
            System.err.println(backend.counters());
        }
        backend.close();
    }

    private static Lease lease(Ipv4Subnet subnet, Ipv4 host) {
        return new Lease(subnet, new LeaseAttributes(host, "", null, ""), new Lease.Never(), 1);
    }
}
