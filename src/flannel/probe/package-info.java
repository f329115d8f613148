/**
 * Whether packets get through to the other hosts: ICMP echoes over the overlay itself, answered by the other hosts' kernels, so that a peer
 * needs no agent, and the Go flanneld's hosts answer too.
 *
 * <pre>
 *   Host (where its kernel answers), Plan --> Echoes --> Round: an Outcome for each peer, loss and round trip by size of packet
 * </pre>
 *
 * Nothing here knows of the daemon, of stores or of leases: who has a network's hosts asks.
 */
package flannel.probe;
