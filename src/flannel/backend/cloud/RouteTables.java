package flannel.backend.cloud;

import flannel.net.Ipv4Subnet;
import java.util.List;

/**
 * The tables of a cloud's router that lead to this network's hosts, seen from this host. Called by {@link RouteKeeper}, by one thread at a
 * time; each call is a few requests, has a deadline of its own, and is safe to repeat. It waits for nothing but answers: when to try
 * again is the caller's business.
 */
public interface RouteTables {

    /**
     * Reads the tables, the one that this host's own subnet of the cloud uses first; at least one. Finds out on the first call who and
     * where this host is, and remembers what can't change.
     *
     * @throws CloudException when nothing can be said; {@link CloudException.Kind#GONE} when a configured table does not exist
     */
    List<RouteTable> list() throws CloudException, InterruptedException;

    /**
     * Sees to it that the cloud takes packets of other addresses than the host's own from it, where the cloud lets a host say so itself.
     * Reads before it writes.
     *
     * @throws CloudException saying what the operator has to switch on
     */
    void admit() throws CloudException, InterruptedException;

    /**
     * Makes a route to this host, without a gap when there is one already.
     *
     * @param before the route that stands in its place; null for none
     * @throws CloudException {@link CloudException.Kind#CONFLICT} when the table is not as it was when it was read
     */
    void put(RouteTable table, Ipv4Subnet destination, CloudRoute before) throws CloudException, InterruptedException;

    /** Removes a route; one that is gone already is fine. */
    void delete(RouteTable table, CloudRoute route) throws CloudException, InterruptedException;

    /**
     * Asks the cloud whether all that may have to be done later is permitted, and does nothing.
     *
     * @throws CloudException {@link CloudException.Kind#DENIED} naming everything that is not
     */
    void rehearse(RouteTable table, Ipv4Subnet destination) throws CloudException, InterruptedException;

    /** This host in the cloud's words, for the log ("eni-0ab..."); known once {@link #list} has answered. */
    String self();
}
