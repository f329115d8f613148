/**
 * Encapsulation in user space: packets between a TUN device and one UDP socket, outside the heap and without garbage. Wire compatible with
 * flannel 0.7.1.
 *
 * <pre>
 *   containers --> TUN --> Encapsulator --Backlog, Segmenter, SendBatch--> socket --> other hosts
 *   containers &lt;-- TUN &lt;-- Decapsulator &lt;--Admission, Coalescer-- socket &lt;-- other hosts
 * </pre>
 *
 * {@link flannel.backend.udp.PacketLoop}'s threads own their buffers; what they are told (forwarding table, socket) changes by one volatile
 * write, in {@link flannel.backend.udp.Tunnel}.
 */
package flannel.backend.udp;
