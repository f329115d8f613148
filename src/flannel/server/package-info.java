/**
 * What the daemon answers to others, each loaded only when it is asked for: health, metrics and a page over HTTP
 * ({@link flannel.server.HealthServer}), and the server mode, which gives out a store's leases by flannel 0.7.1's
 * HTTP interface ({@link flannel.server.LeaseServer}). Every listener has bounds on connections, sizes and times.
 */
package flannel.server;
