/**
 * What is known of a running daemon, as values, and its views. A session only answers a message with its {@link
 * flannel.status.NetworkStatus}; all else happens beside it.
 *
 * <pre>
 *   sessions --NetworkStatus--> Status --StatusJson--> StatusSocket ~~~~ StatusClient --> StatusText (flanneld status)
 *                                      |--Metrics----> flannel.server
 *             counters --> History ----'--Page-------> flannel.server
 * </pre>
 *
 * Nothing here knows of sessions, kernels or stores: who knows something fills the values in.
 */
package flannel.status;
