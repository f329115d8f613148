/**
 * {@code flanneld check}: what is wrong with this host's part of the overlay, and what mends it. Looks at everything once, with the daemon
 * running or not, and changes nothing.
 *
 * <pre>
 *   Setup --> Scene (store, kernel, files, processes, the daemon's status; read at one time) --> questions --> Finding: ok, warn or FAIL
 * </pre>
 *
 * A question is a function of the scene. Knows the stores, the kernel's tables and the status; knows nothing of the daemon's inside.
 */
package flannel.check;
