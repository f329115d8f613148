/**
 * The life of the process and of each network in it. It wires the other rooms; none of them knows it.
 *
 * <pre>
 *   store's follower --.                            .--> Leases: LeaseTable (what is believed of all),
 *   kernel monitor  ---+--messages--> NetworkSession |            OwnLease (this host's: taken, renewed, defended)
 *   underlay watch  ---|   (queue)     (one thread)  +--> DataPath: Peers, the backend, the reconciler
 *   answers of writes -'                             '--> SubnetFiles, Readiness
 * </pre>
 *
 * Whoever wants to know how the daemon is asks {@link flannel.daemon.Views}, which asks each session by a message too, and waits a second at most.
 *
 * <p>A session owns nothing of the process: its {@link flannel.daemon.Surroundings} are handed in, clock and queue too, so that a test plays whole
 * histories on virtual time. All deadlines are {@link flannel.daemon.Alarm}s by a clock that nobody sets.
 */
package flannel.daemon;
