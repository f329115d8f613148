package flannel.netlink;

import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Lays requests one behind another into a buffer, to be sent together. A message is {@link #begin}, one of the fixed headers
 * ({@link #rtmsg} and its like), its attributes, {@link #end}. Numbers are in the machine's byte order unless the method says otherwise.
 *
 * <p>Running out of buffer is the caller's mistake ({@link java.nio.BufferOverflowException}): ask {@link #remaining} first.
 */
public final class MessageWriter {

    private final ByteBuffer buffer;
    private int sequence;
    private int message = -1;

    /**
     * @param buffer   heap or off-heap; written from its start
     * @param sequence number of the first message; each further one gets the next
     */
    public MessageWriter(ByteBuffer buffer, int sequence) {
        this.buffer = buffer.order(ByteOrder.nativeOrder());
        this.sequence = sequence;
    }

    /** Forgets what was written; the sequence numbers go on. */
    public void clear() {
        buffer.clear();
        message = -1;
    }

    /** Bytes written. */
    public int size() {
        return buffer.position();
    }

    /** Bytes still free. */
    public int remaining() {
        return buffer.remaining();
    }

    /** Sequence number of the next message. */
    public int nextSequence() {
        return sequence;
    }

    /** Starts a request. NLM_F_REQUEST is added to the flags; the port is left to the kernel. */
    public MessageWriter begin(int type, int flags) {
        message = buffer.position();
        buffer.putInt(0).putShort((short) type).putShort((short) (flags | Nlmsg.NLM_F_REQUEST)).putInt(sequence++).putInt(0);
        return this;
    }

    /** Ends the message that was begun last: fills in its length. */
    public void end() {
        buffer.putInt(message, buffer.position() - message);
    }

    /** Asks for an acknowledgement of the message that was ended last. */
    void acknowledgeLast() {
        int at = message + 6;
        buffer.putShort(at, (short) (buffer.getShort(at) | Nlmsg.NLM_F_ACK));
    }

    /** struct ifinfomsg (rtnetlink.h). */
    public MessageWriter ifinfomsg(int family, int index, int flags, int change) {
        buffer.put((byte) family).put((byte) 0).putShort((short) 0).putInt(index).putInt(flags).putInt(change);
        return this;
    }

    /** struct ifaddrmsg (if_addr.h). */
    public MessageWriter ifaddrmsg(int family, int prefixLength, int scope, int index) {
        buffer.put((byte) family).put((byte) prefixLength).put((byte) 0).put((byte) scope).putInt(index);
        return this;
    }

    /** struct rtmsg (rtnetlink.h), with no source range and no type of service. */
    public MessageWriter rtmsg(int family, int destinationLength, int table, int protocol, int scope, int type, int flags) {
        buffer.put((byte) family).put((byte) destinationLength).put((byte) 0).put((byte) 0);
        buffer.put((byte) table).put((byte) protocol).put((byte) scope).put((byte) type).putInt(flags);
        return this;
    }

    /** struct rtmsg of a question for the route of a packet from one address to another. */
    public MessageWriter rtmsgOfPacket(int family) {
        buffer.put((byte) family).put((byte) 32).put((byte) 32).put((byte) 0).putLong(0);
        return this;
    }

    /** struct ndmsg (neighbour.h). */
    public MessageWriter ndmsg(int family, int index, int state, int flags) {
        buffer.put((byte) family).put((byte) 0).putShort((short) 0).putInt(index).putShort((short) state).put((byte) flags).put((byte) 0);
        return this;
    }

    /** An attribute with no value: it is there. */
    public MessageWriter flag(int type) {
        header(type, 0);
        return this;
    }

    public MessageWriter u8(int type, int value) {
        header(type, 1);
        buffer.put((byte) value);
        pad(1);
        return this;
    }

    public MessageWriter u32(int type, int value) {
        header(type, 4);
        buffer.putInt(value);
        return this;
    }

    /** Two bytes in network order, as ports are. */
    public MessageWriter u16Network(int type, int value) {
        header(type, 2);
        buffer.put((byte) (value >>> 8)).put((byte) value);
        pad(2);
        return this;
    }

    public MessageWriter ipv4(int type, Ipv4 address) {
        header(type, 4);
        int bits = address.bits();
        buffer.put((byte) (bits >>> 24)).put((byte) (bits >>> 16)).put((byte) (bits >>> 8)).put((byte) bits);
        return this;
    }

    public MessageWriter mac(int type, MacAddress address) {
        header(type, 6);
        for (int i = 0; i < 6; i++) {
            buffer.put(address.octet(i));
        }
        pad(6);
        return this;
    }

    /** Text with the closing zero that C wants. */
    public MessageWriter text(int type, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        header(type, bytes.length + 1);
        buffer.put(bytes).put((byte) 0);
        pad(bytes.length + 1);
        return this;
    }

    /** Starts an attribute that holds attributes; {@link #endNested} wants what this returns. */
    public int beginNested(int type) {
        int start = buffer.position();
        header(type | Nlmsg.NLA_F_NESTED, 0);
        return start;
    }

    public MessageWriter endNested(int start) {
        buffer.putShort(start, (short) (buffer.position() - start));
        return this;
    }

    private void header(int type, int valueLength) {
        buffer.putShort((short) (Nlmsg.NLA_HDRLEN + valueLength)).putShort((short) type);
    }

    private void pad(int valueLength) {
        for (int i = valueLength; i < Nlmsg.align(valueLength); i++) {
            buffer.put((byte) 0);
        }
    }
}
