package flannel.backend;

import flannel.json.JsonValue;
import flannel.kernel.KernelEntry;
import flannel.kernel.Link;
import flannel.lease.Lease;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.util.Collection;
import java.util.List;

/**
 * What a network does with its leases. A backend is a function from leases to desired kernel state: it talks to no kernel itself (but
 * for udp's data path, which carries the packets). Called by the network's own thread only.
 */
public interface Backend extends AutoCloseable {

    /** BackendType of this host's lease; empty where the original leaves it out. */
    String leaseType();

    /** BackendData of this host's lease; null for none. */
    JsonValue leaseData();

    /** MTU for the containers, in bytes: the underlay's less the encapsulation. */
    int mtu();

    /** The device the backend needs; null for none. */
    Link link();

    /** What must be in the kernel for this host itself. */
    List<KernelEntry> local(Ipv4Subnet own);

    /**
     * What must be in the kernel so that packets reach a peer's subnet.
     *
     * @throws UnusablePeerException when the peer's lease speaks of another backend or its data can't be read
     */
    List<KernelEntry> towards(Lease peer) throws UnusablePeerException;

    /**
     * Told after each change: this host's subnet, and the leases of all peers that {@link #towards} accepted. Only a data path of our own
     * needs it. The collection is the caller's: copy what is to be kept.
     */
    default void leases(Ipv4Subnet own, Collection<Lease> peers) {
    }

    /**
     * Whether what comes in from the other hosts must not be forwarded to link-local addresses: a cloud's metadata service is there, which
     * gives this host's rights to whoever asks through it.
     */
    default boolean guardsLinkLocal() {
        return false;
    }

    /**
     * Takes away what this host has outside of its kernel, and ends the backend: for a host that leaves the network. May take its time.
     *
     * @throws IOException with one sentence when something of it stays
     */
    default void withdraw() throws IOException, InterruptedException {
        close();
    }

    @Override
    default void close() {
    }
}
