package flannel.kernel;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A {@link FakeKernel} for tens of thousands of entries: keeps no record of what it was asked for, and finds a place at once. */
public final class LargeKernel implements KernelTables {

    private final FakeKernel devices = new FakeKernel();
    private final Map<Object, Found> entries = new HashMap<>();

    public Reconciler reconciler(Log log) {
        return new Reconciler(log, this);
    }

    /** @param address of eth0, in a network of that length */
    public Underlay underlay(Ipv4 address, int prefixLength) {
        Found.Link eth0 = devices.link("eth0").orElseThrow();
        return new Underlay("eth0", FakeKernel.ETH0, address, new Ipv4Subnet(address, prefixLength), eth0.mtu(), eth0.mac());
    }

    public int size() {
        return entries.size();
    }

    private <T extends Found> List<T> all(Class<T> type, int index) {
        return entries.values().stream().filter(type::isInstance).map(type::cast).filter(each -> index == 0 || each.index() == index).toList();
    }

    @Override
    public List<Found.Link> links() {
        return devices.links();
    }

    @Override
    public Optional<Found.Link> link(String name) {
        return devices.link(name);
    }

    @Override
    public List<Found.Address> addresses(int index) {
        return all(Found.Address.class, index);
    }

    @Override
    public List<Found.Route> routes() {
        return all(Found.Route.class, 0);
    }

    @Override
    public Found.Route routeTo(Ipv4 destination) throws SystemCallException {
        throw new SystemCallException("look up the route to " + destination, Errno.ENETUNREACH);
    }

    @Override
    public List<Found.Neighbour> neighbours(int index) {
        return all(Found.Neighbour.class, index);
    }

    @Override
    public List<Found.Fdb> fdb(int index) {
        return all(Found.Fdb.class, index);
    }

    @Override
    public void execute(List<Change> changes, Refusals refusals) {
        for (Change change : changes) {
            Found what = change.what();
            Object place = switch (what) {
                case Found.Route route -> route.destination();
                case Found.Neighbour neighbour -> neighbour.address();
                case Found.Fdb entry -> entry.mac();
                default -> what;
            };
            if (change.kind() == Change.Kind.DELETE) {
                entries.remove(place, what);
            } else {
                entries.put(place, what);
            }
        }
    }

    @Override
    public void createVxlan(Link.Vxlan wanted, MacAddress mac, int underlayIndex) {
        devices.createVxlan(wanted, mac, underlayIndex);
    }

    @Override
    public void changeVxlan(int index, Link.Vxlan wanted, int underlayIndex) throws SystemCallException {
        devices.changeVxlan(index, wanted, underlayIndex);
    }

    @Override
    public void deleteLink(int index, String name) {
        devices.deleteLink(index, name);
    }

    @Override
    public void setLink(int index, String name, int mtu, MacAddress mac, int queueLength) throws SystemCallException {
        devices.setLink(index, name, mtu, mac, queueLength);
    }

    @Override
    public boolean sendChecksums(String device) {
        return true;
    }

    @Override
    public void setSendChecksums(String device, boolean on) {
    }

    @Override
    public void stopAskingUserSpace(String device) {
    }

    @Override
    public void close() {
    }
}
