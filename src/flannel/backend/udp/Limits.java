package flannel.backend.udp;

/**
 * How much is done at a time. Small enough that a batch's memory stays in the processor's second-level cache, and that a small packet
 * behind it does not wait long; large enough that the calls cost little.
 *
 * @param packetsRead      most packets read from the TUN device before they are sent
 * @param bytesRead        no further packet is read once there are so many bytes
 * @param messagesReceived most messages a receive call
 * @param threads          of each queue; 1: both directions in one thread; 2: a thread each
 * @param queues           how many the TUN device has
 */
record Limits(int packetsRead, int bytesRead, int messagesReceived, int threads, int queues) {

    Limits(int packetsRead, int bytesRead, int messagesReceived, int threads) {
        this(packetsRead, bytesRead, messagesReceived, threads, 1);
    }

    /**
     * On two processors, both ends on them, two threads carried 1.16 of one's bytes in a stream and 1.18 both ways (medians of 8 rounds, more in
     * each of them) for less of the processors' time; round trips and small packets did not tell one from the other.
     */
    static Limits forThisHost(int queues) {
        return new Limits(64, 128 * 1024, 8, Runtime.getRuntime().availableProcessors() == 1 ? 1 : 2, queues);
    }

    /** For the log. */
    String describe() {
        return (queues == 1 ? "" : queues + " queues, each with ") + (threads == 1 ? "one thread" : threads + " threads");
    }
}
