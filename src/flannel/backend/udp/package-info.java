/**
 * Encapsulation in user space: packets between a TUN device and a UDP socket, outside the heap and without garbage. Wire compatible with
 * flannel 0.7.1.
 *
 * <pre>
 *   containers --> TUN --> Encapsulator --Backlog, Segmenter, SendBatch--> socket --> other hosts
 *   containers &lt;-- TUN &lt;-- Decapsulator &lt;--Admission, Coalescer-- socket &lt;-- other hosts
 * </pre>
 *
 * With several queues all of this is there several times, side by side, each with a {@link flannel.backend.udp.Lane} of its own.
 * {@link flannel.backend.udp.PacketLoop}'s threads own their buffers; what they are told (forwarding table, sockets) changes by one volatile
 * write, in {@link flannel.backend.udp.Tunnel}.
 */
package flannel.backend.udp;
