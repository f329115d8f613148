package flannel.lab.faults;

import flannel.lab.Host;
import flannel.lab.NetworkNamespace;
import java.util.List;

/** What an administrator and Docker have on a host: nothing of it is flanneld's, and nothing of it may change. */
final class Decoys {

    private static final List<String> PLANTED = List.of(
            "ip link add decoy0 type bridge",
            "ip address add 172.30.0.1/24 dev decoy0",
            "ip link set decoy0 up",
            // static routes inside and outside the network's range
            "ip route add 10.1.250.0/24 via 172.30.0.2 dev decoy0",
            "ip route add 10.99.0.0/16 via 172.30.0.2 dev decoy0",
            "ip route add 10.98.0.0/16 via 172.30.0.2 dev decoy0 table 99",
            "ip rule add from 172.30.9.0/24 lookup 99 pref 100",
            "ip neighbour add 172.30.0.9 lladdr 02:00:00:00:00:99 dev decoy0 nud permanent",
            "ip link add vxlan99 type vxlan id 99 dstport 4789 local 172.30.0.1",
            "ip link set vxlan99 up",
            "bridge fdb add 02:00:00:00:00:98 dev vxlan99 dst 172.30.0.98 self permanent",
            "iptables -w -N DOCKER-USER",
            "iptables -w -A DOCKER-USER -s 172.30.0.0/16 -j RETURN",
            "iptables -w -A FORWARD -j DOCKER-USER",
            "iptables -w -t nat -N DOCKER",
            "iptables -w -t nat -A DOCKER -d 172.30.0.7 -p udp -j RETURN",
            "iptables -w -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER");

    private static final String SHOWN = """
            ip -4 -o address show dev decoy0; ip -o link show dev vxlan99; ip -4 route show table all dev decoy0; ip -4 rule
            ip neighbour show dev decoy0; bridge fdb show dev vxlan99
            iptables -w -S DOCKER-USER; iptables -w -S FORWARD | grep DOCKER; iptables -w -t nat -S DOCKER
            iptables -w -t nat -S PREROUTING
            """;

    private final Host host;
    private final String before;

    Decoys(Host host) {
        this.host = host;
        for (String command : PLANTED) {
            host.run(command.split(" "));
        }
        before = shown();
    }

    private String shown() {
        NetworkNamespace.Result result = host.namespace().tryRun("sh", "-c", SHOWN);
        return result.output();
    }

    void check() {
        String now = shown();
        if (!now.equals(before)) {
            throw new AssertionError("what others own on " + host.address() + " was\n" + before + "and is\n" + now);
        }
    }
}
