package flannel.kernel;

import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.util.List;
import java.util.Optional;

/** The kernel's tables as the {@link Reconciler} needs them: the real ones, or a test's. */
interface KernelTables extends AutoCloseable {

    /** Told of a change that the kernel refused. */
    interface Refusals {
        void refused(Change change, SystemCallException why);
    }

    List<Found.Link> links() throws SystemCallException;

    Optional<Found.Link> link(String name) throws SystemCallException;

    /** IPv4 addresses of a device, or of all devices for index 0. */
    List<Found.Address> addresses(int index) throws SystemCallException;

    /** IPv4 routes of the main table, on all devices. */
    List<Found.Route> routes() throws SystemCallException;

    /** The route that a packet to an address would take; its destination is that address. */
    Found.Route routeTo(Ipv4 destination) throws SystemCallException;

    /** ARP entries of a device. */
    List<Found.Neighbour> neighbours(int index) throws SystemCallException;

    /** A device's own forwarding database. */
    List<Found.Fdb> fdb(int index) throws SystemCallException;

    /** Does the changes in their order, each whatever became of the others. */
    void execute(List<Change> changes, Refusals refusals) throws SystemCallException;

    /** Makes a VXLAN device, down. */
    void createVxlan(Link.Vxlan wanted, MacAddress mac, int underlayIndex) throws SystemCallException;

    /** Gives a VXLAN device another source address and underlay, with all that is on it left as it is. Linux 4.12 can. */
    void changeVxlan(int index, Link.Vxlan wanted, int underlayIndex) throws SystemCallException;

    void deleteLink(int index, String name) throws SystemCallException;

    /**
     * Brings a device up with the given settings.
     *
     * @param mac         null to leave it
     * @param queueLength negative to leave it
     */
    void setLink(int index, String name, int mtu, MacAddress mac, int queueLength) throws SystemCallException;

    /** Whether the checksums of what is sent are left to a device. */
    boolean sendChecksums(String device) throws SystemCallException;

    void setSendChecksums(String device, boolean on) throws SystemCallException;

    /** Undoes what flannel 0.7.1 set on its device: questions about neighbours asked of user space (sysctl app_solicit). Best effort. */
    void stopAskingUserSpace(String device);

    /** Netlink port that changes are asked for from; 0 for none. */
    default int port() {
        return 0;
    }

    @Override
    void close();
}
