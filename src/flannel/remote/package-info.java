/**
 * The client mode: a network's leases at a flannel server, this one's or a Go flannel's, and the catalog of a server's networks. One kind of {@link
 * flannel.lease.SubnetStore} among others; what the two say to each other is in {@code flannel.api}.
 */
package flannel.remote;
