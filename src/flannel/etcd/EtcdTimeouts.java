package flannel.etcd;

import java.time.Duration;

/**
 * How long to wait for what.
 *
 * <p>A watch is the one request whose headers may come late: etcd's own reverse proxy ({@code etcd --proxy on}) holds them back until the
 * first byte of the body. When they have not come within {@code answer}, the member is asked whether it is alive, which has to be answered
 * within {@code answer} again; then the watch may be silent for a {@code poll}, and is opened again as any silent one. So a dead connection
 * or a frozen member is noticed after {@code poll} and twice {@code answer} at the latest. What answers and yet tells nothing, as a proxy whose
 * members are gone or a member cut off from its cluster, only a list tells.
 *
 * @param connect for a TCP connection
 * @param answer  for an answer's headers, from the start of the request; an election takes about 1.5 s, and a request that takes longer
 *                than this is better sent to another member
 * @param body    for the rest of an answer: the leases of 10,000 hosts are two megabytes
 * @param poll    for which a watch may be silent, before its headers and after them. Then it is opened again
 */
record EtcdTimeouts(Duration connect, Duration answer, Duration body, Duration poll) {

    static final EtcdTimeouts DEFAULT =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofSeconds(20));
}
