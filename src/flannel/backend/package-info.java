/**
 * What a network does with its leases. A backend is a function: from the config, the own lease, the peers' leases and the interface to the other
 * hosts to the desired state of the kernel, as values. It never speaks to the kernel itself; {@code backend.udp} alone carries packets.
 */
package flannel.backend;
