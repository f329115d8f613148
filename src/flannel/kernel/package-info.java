/**
 * What a network wants in the kernel, as values, and how the kernel is made equal to it: {@link flannel.kernel.Reconciler} for links,
 * addresses, routes, neighbours and FDB entries, {@link flannel.kernel.PacketFilter} for iptables, {@link flannel.kernel.KernelMonitor}
 * to hear of changes that others make, {@link flannel.kernel.Underlays} to choose the interface that leads to the other hosts.
 */
package flannel.kernel;
