/**
 * Backends whose packets are moved by a cloud's own router: each host keeps the one route to its subnet in the cloud's tables, and nothing
 * in the kernel. What is common to all clouds is here; a cloud is a {@link flannel.backend.cloud.RouteTables} over
 * {@link flannel.backend.cloud.Http}, in a package of its own.
 */
package flannel.backend.cloud;
