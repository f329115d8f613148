/**
 * A small cluster's store, kept by the server itself: config and leases of its networks in memory, with a file that every change is appended to
 * before it is answered. Beside etcd's room, and for one server; several servers want etcd. Knows nothing of HTTP.
 *
 * <pre>
 *   SmallStore: its networks, each a ServedStore (StoredNetwork)
 *       '-- Committer: one thread takes what waits, drafts it in Contents, writes it, and only then tells it
 *              '-- Journal: the file, appended to and compacted; Records: its bytes; StoreFolder: the directory and its lock
 * </pre>
 *
 * A record is what one write has appended, with checksums of its own, so that a write that a crash cut off is told from damage: the one
 * was never answered and is cut off, the other is told and nothing is lost silently. Ends of leases are counted on the store's own clock
 * ({@link flannel.store.StoreClock}), so that neither a wrong time of day nor an absence ends them.
 */
package flannel.store;
