package flannel.etcd;

import java.time.Duration;

/**
 * How long to wait for what.
 *
 * @param connect for a TCP connection
 * @param answer  for an answer's headers, from the start of the request; an election takes about 1.5 s, and a request that takes longer
 *                than this is better sent to another member
 * @param body    for the rest of an answer: the leases of 10,000 hosts are two megabytes
 * @param poll    for which one watch request is kept open. A silent one is then opened again, so that a dead connection, a frozen member
 *                or a wiped store can't go unnoticed for longer than this and {@code answer}
 */
record EtcdTimeouts(Duration connect, Duration answer, Duration body, Duration poll) {

    static final EtcdTimeouts DEFAULT =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofSeconds(20));
}
