package flannel.kernel;

import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.Set;
import java.util.TreeSet;

/** A host whose kernel is in memory, for tests of other packages. */
public final class FakeHost {

    private final FakeKernel kernel = new FakeKernel();
    private final Ipv4 address;

    /** @param address of eth0, in a /24 */
    public FakeHost(Ipv4 address) {
        this.address = address;
        kernel.entries.add(new Found.Address(FakeKernel.ETH0, address, 24));
    }

    public Reconciler reconciler(Log log) {
        return kernel.reconciler(log);
    }

    public Underlay underlay() {
        Found.Link eth0 = kernel.link("eth0").orElseThrow();
        return new Underlay("eth0", FakeKernel.ETH0, address, new Ipv4Subnet(address, 24), eth0.mtu(), eth0.mac());
    }

    /** The daemon's routes with a gateway, as "10.1.2.0/24 via 192.168.32.212". */
    public Set<String> routes() {
        Set<String> routes = new TreeSet<>();
        kernel.routes().stream().filter(route -> route.gateway() != null && route.protocol() == Reconciler.ROUTE_PROTOCOL)
                .forEach(route -> routes.add(route.destination() + " via " + route.gateway()));
        return routes;
    }

    /** How many entries it was asked to change so far. */
    public int changes() {
        return kernel.asked.size();
    }

    /** Removes a route as an administrator would; tells what the kernel then tells. */
    public KernelEvent removeRoute(String destination) {
        Found.Route found = kernel.routes().stream().filter(route -> route.destination().toString().equals(destination)).findFirst().orElseThrow();
        kernel.entries.remove(found);
        return new KernelEvent.Vanished(found);
    }

    /** Removes the routes of eth0 as the kernel does when its last address goes: in silence, but for the address. */
    public KernelEvent flushAddress() {
        kernel.entries.removeIf(entry -> entry instanceof Found.Route);
        return new KernelEvent.Vanished(new Found.Address(FakeKernel.ETH0, address, 24));
    }

    public KernelEvent restoreAddress() {
        return new KernelEvent.Appeared(new Found.Address(FakeKernel.ETH0, address, 24));
    }
}
