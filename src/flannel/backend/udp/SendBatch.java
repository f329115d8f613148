package flannel.backend.udp;

import flannel.linux.IoVectors;
import flannel.linux.MessageHeaders;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Datagrams gathered for one sendmmsg. Payloads are not copied: a datagram is a piece of memory as it stands, or a header built in
 * {@link #headers} and a piece behind it. Where the kernel can cut messages (UDP_SEGMENT), datagrams to one host that follow each other
 * and are of one length, the last of them perhaps shorter, become one message.
 */
final class SendBatch {

    /** Takes the batch's messages. */
    interface Flush {

        /**
         * Sends messages, or drops what can't be sent.
         *
         * @param from the first of them; those before it are done with
         * @return the first that has to wait until there is room for it; the number of messages when none has
         */
        int send(SendBatch batch, int from);
    }

    /** Most datagrams a message: the kernel's UDP_MAX_SEGMENTS before Linux 6.9. */
    private static final int MAX_SEGMENTS = 64;

    /** Most payload bytes of a UDP message over IPv4. */
    private static final int MAX_MESSAGE_BYTES = 65507;

    /** Nothing more is to be added to a batch of so many datagrams. */
    private static final int FULL = 512;

    /** A batch that is not full has room for any packet, in however many segments. */
    private static final int CAPACITY = FULL + Segmenter.MOST_TCP_SEGMENTS;

    private static final int MOST_UNSEGMENTED_HOSTS = 1024;

    /** IPv4 and TCP headers with all their options are 120 bytes. */
    private static final int HEADER_ROOM = 128;

    private final int port;
    private final Flush flush;
    private final MessageHeaders messageHeaders;
    private final IoVectors vectors;
    private final MemorySegment headers;
    private final int[] firstVector = new int[CAPACITY + 1];
    private final int[] firstDatagram = new int[CAPACITY + 1];
    private final boolean segmentation;
    private final IntTable unsegmented = new IntTable(MOST_UNSEGMENTED_HOSTS);

    private int unsegmentedHosts;
    private int messages;
    private int sentMessages;
    private int datagrams;
    private int usedVectors;

    private int host;
    private boolean train;
    private int segmentSize;
    private int messageBytes;
    private boolean open;

    /** @param port where the peers listen */
    SendBatch(Arena arena, int port, boolean segmentation, Flush flush) {
        this.port = port;
        this.segmentation = segmentation;
        this.flush = flush;
        messageHeaders = new MessageHeaders(arena, CAPACITY);
        vectors = new IoVectors(arena, 2 * CAPACITY);
        headers = arena.allocate(CAPACITY * HEADER_ROOM, 64);
    }

    /** Adds a datagram that lies in memory as it is to be sent. */
    void add(int toHost, MemorySegment memory, long offset, int length) {
        vectors.set(usedVectors, memory, offset, length);
        append(toHost, length, 1);
    }

    /** Where in {@link #headers} the next datagram's header is to be built. */
    long nextHeader() {
        return (long) datagrams * HEADER_ROOM;
    }

    MemorySegment headers() {
        return headers;
    }

    /** Adds a datagram whose header was built at {@link #nextHeader}. */
    void addWithHeader(int toHost, int headerLength, MemorySegment payload, long offset, int payloadLength) {
        vectors.set(usedVectors, headers, (long) datagrams * HEADER_ROOM, headerLength);
        vectors.set(usedVectors + 1, payload, offset, payloadLength);
        append(toHost, headerLength + payloadLength, 2);
    }

    /** Whether it is time to {@link #flush}. */
    boolean isFull() {
        return datagrams >= FULL;
    }

    private void append(int toHost, int length, int vectorCount) {
        if (!open || toHost != host || length > segmentSize || messageBytes + length > MAX_MESSAGE_BYTES
                || datagrams - firstDatagram[messages - 1] == MAX_SEGMENTS) {
            messageHeaders.sendTo(messages, toHost, port);
            firstDatagram[messages] = datagrams;
            messages++;
            host = toHost;
            train = segmentation && (unsegmentedHosts == 0 || unsegmented.get(toHost) == 0);
            segmentSize = length;
            messageBytes = 0;
        }
        messageBytes += length;
        open = train && length == segmentSize;
        firstVector[datagrams] = usedVectors;
        datagrams++;
        usedVectors += vectorCount;
    }

    /** Sends what is there. What has no room yet waits: until all is gone nothing may be added, nor the packets' memory be used again. */
    void flush() {
        if (messages == 0) {
            return;
        }
        if (sentMessages == 0) {
            seal();
        }
        sentMessages = flush.send(this, sentMessages);
        if (sentMessages == messages) {
            sentMessages = 0;
            messages = 0;
            datagrams = 0;
            usedVectors = 0;
            open = false;
        }
    }

    /** Whether some of it waits for the next {@link #flush}. */
    boolean isWaiting() {
        return messages > 0;
    }

    private void seal() {
        firstVector[datagrams] = usedVectors;
        firstDatagram[messages] = datagrams;
        for (int i = 0; i < messages; i++) {
            int from = firstVector[firstDatagram[i]];
            messageHeaders.vectors(i, vectors, from, firstVector[firstDatagram[i + 1]] - from);
            if (datagrams(i) > 1) {
                messageHeaders.segmentSize(i, datagramLength(i));
            }
        }
    }

    private int datagramLength(int message) {
        int length = 0;
        int datagram = firstDatagram[message];
        for (int i = firstVector[datagram]; i < firstVector[datagram + 1]; i++) {
            length += (int) vectors.length(i);
        }
        return length;
    }

    /**
     * From now on each datagram to that host is a message: what leads there can't cut messages after all.
     *
     * @return false when that was known, or there is no room to remember one more
     */
    boolean endSegmentation(int toHost) {
        if (unsegmentedHosts == MOST_UNSEGMENTED_HOSTS || unsegmented.get(toHost) != 0) {
            return false;
        }
        unsegmented.put(toHost, 1);
        unsegmentedHosts++;
        return true;
    }

    int messages() {
        return messages;
    }

    MessageHeaders messageHeaders() {
        return messageHeaders;
    }

    IoVectors vectors() {
        return vectors;
    }

    /** How many datagrams message {@code message} is. */
    int datagrams(int message) {
        return firstDatagram[message + 1] - firstDatagram[message];
    }

    /** Where the pieces of datagram {@code index} of a message begin; those of the next one begin where they end. */
    int firstVector(int message, int index) {
        return firstVector[firstDatagram[message] + index];
    }
}
