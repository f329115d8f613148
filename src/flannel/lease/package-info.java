/**
 * What a network is and who has which part of it, whatever store that is kept in: {@link flannel.lease.NetworkConfig}, {@link
 * flannel.lease.Lease}, and {@link flannel.lease.SubnetStore}, through which a session takes its subnet, keeps it, and hears of the others'.
 * Nothing here knows of HTTP, of etcd, or of the kernel.
 *
 * <pre>
 *   SubnetStore --StoreEvent--> Listed, Put, Gone: an {@link flannel.lease.Entry} is a {@link flannel.lease.Lease}, or only in a lease's place
 *               &lt;--take, renew, giveBack--
 * </pre>
 */
package flannel.lease;
