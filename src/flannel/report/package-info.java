/**
 * {@code flanneld report}: one archive of what somebody needs who helps from afar.
 *
 * <pre>
 *   Source, Source, ... (of HostSources, and of who knows the daemon and its store) --> Secrets --> Tarball
 * </pre>
 *
 * Each source has a limit of its time and of its length, and one that fails leaves a sentence. Nothing is written before all is read: what one
 * source shows to be a secret is taken out of all. Knows files and programs of the host; nothing of networks.
 */
package flannel.report;
