package flannel.lab;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** What a host's kernel holds, as iproute2 and iptables tell it. */
public final class KernelView {

    private KernelView() {
    }

    /** The details of a device by {@code ip -d -j link}; null when there is none of that name. */
    public static JsonValue link(Host host, String device) throws JsonException {
        NetworkNamespace.Result shown = host.namespace().tryRun("ip", "-d", "-j", "link", "show", "dev", device);
        return shown.exitCode() == 0 ? ((JsonValue.Arr) JsonValue.parse(shown.output())).elements().getFirst() : null;
    }

    /** MAC of flannel.1; "" when there is no such device. */
    public static String vtepMac(Host host) throws JsonException {
        JsonValue link = link(host, "flannel.1");
        return link == null ? "" : link.text("address");
    }

    public static List<String> routes(Host host) {
        return sorted(host.run("ip", "route", "show"));
    }

    /** Route, neighbour and FDB entry towards a peer with vxlan: all three there, and right. */
    public static boolean hasVxlanPeer(Host host, String peerSubnet, String peerMac, String peerAddress) {
        String vtep = peerSubnet.replaceFirst("/.*", "");
        return routes(host).stream().anyMatch(route -> route.startsWith(peerSubnet + " via " + vtep + " dev flannel.1")
                        && route.contains("onlink"))
                && device(host, "ip", "neighbour", "show", "dev", "flannel.1")
                        .matches("(?s).*\\b" + vtep + " lladdr " + peerMac + " PERMANENT.*")
                && device(host, "bridge", "fdb", "show", "dev", "flannel.1").contains(peerMac + " dst " + peerAddress + " self permanent");
    }

    /** The same between two hosts whose daemons are ready. */
    public static boolean hasVxlanPeer(Host host, Host peer) throws IOException {
        return hasVxlanPeer(host, peer.subnet(), vtepMac(peer), peer.address());
    }

    /** True when nothing on the host speaks of a subnet, a MAC or an address of a host that is gone. */
    public static boolean mentions(Host host, String text) {
        return data(host).stream().anyMatch(line -> line.contains(text));
    }

    /** Everything of the data path, line by line, in a form that is the same when all of it is as before (no interface numbers). */
    public static List<String> data(Host host) {
        String device = device(host, "ip", "-d", "-o", "link", "show", "dev", "flannel.1").replaceAll("(?m)^\\d+:", "");
        return sorted(String.join("\n",
                device,
                device(host, "ip", "-4", "-o", "address", "show", "dev", "flannel.1").replaceAll("(?m)^\\d+:", ""),
                String.join("\n", routes(host)),
                device(host, "ip", "neighbour", "show", "dev", "flannel.1", "nud", "permanent"),
                device(host, "bridge", "fdb", "show", "dev", "flannel.1")));
    }

    /** Our iptables rules and the chains that lead to them, in their order. */
    public static String rules(Host host) {
        return host.run("iptables", "-w", "-S") + host.run("iptables", "-w", "-t", "nat", "-S");
    }

    private static String device(Host host, String... command) {
        NetworkNamespace.Result shown = host.namespace().tryRun(command);
        return shown.exitCode() == 0 ? shown.output() : "";
    }

    private static List<String> sorted(String lines) {
        return lines.lines().map(String::strip).filter(line -> !line.isEmpty()).sorted().collect(Collectors.toList());
    }
}
