package flannel.netlink;

import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Walks over attributes: {@link #next}, then {@link #type} and the value in the form that the type has. Values are checked against the
 * attribute's length; garbage is a {@link MalformedMessageException}.
 */
public final class AttributeReader {

    private final ByteBuffer buffer;
    private final int end;
    private int attribute;
    private int next;

    AttributeReader(ByteBuffer buffer, int start, int end) {
        this.buffer = buffer;
        this.next = start;
        this.end = end;
    }

    /** Goes to the next attribute; false when there is none. */
    public boolean next() throws MalformedMessageException {
        if (end - next < Nlmsg.NLA_HDRLEN) {
            return false;
        }
        int length = buffer.getShort(next) & 0xFFFF;
        if (length < Nlmsg.NLA_HDRLEN || length > end - next) {
            throw new MalformedMessageException("an attribute says it has " + length + " bytes where " + (end - next) + " are");
        }
        attribute = next;
        next += Nlmsg.align(length);
        return true;
    }

    /** Its number, without the flags that share the field. */
    public int type() {
        return buffer.getShort(attribute + 2) & Nlmsg.NLA_TYPE_MASK;
    }

    /** Bytes of the value. */
    public int length() {
        return (buffer.getShort(attribute) & 0xFFFF) - Nlmsg.NLA_HDRLEN;
    }

    public int u8() throws MalformedMessageException {
        return buffer.get(value(1)) & 255;
    }

    public int i32() throws MalformedMessageException {
        return buffer.getInt(value(4));
    }

    /** Two bytes in network order, as ports are. */
    public int u16Network() throws MalformedMessageException {
        int at = value(2);
        return (buffer.get(at) & 255) << 8 | buffer.get(at + 1) & 255;
    }

    public Ipv4 ipv4() throws MalformedMessageException {
        int at = value(4);
        return new Ipv4((buffer.get(at) & 255) << 24 | (buffer.get(at + 1) & 255) << 16 | (buffer.get(at + 2) & 255) << 8
                | buffer.get(at + 3) & 255);
    }

    public MacAddress mac() throws MalformedMessageException {
        int at = value(6);
        long bits = 0;
        for (int i = 0; i < 6; i++) {
            bits = bits << 8 | buffer.get(at + i) & 255;
        }
        return new MacAddress(bits);
    }

    /** Text up to its closing zero, or to the end of the value where there is none. */
    public String text() {
        byte[] bytes = new byte[length()];
        buffer.get(attribute + Nlmsg.NLA_HDRLEN, bytes);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** The attributes within this one. */
    public AttributeReader nested() {
        int start = attribute + Nlmsg.NLA_HDRLEN;
        return new AttributeReader(buffer, start, start + length());
    }

    private int value(int size) throws MalformedMessageException {
        if (length() < size) {
            throw new MalformedMessageException("attribute " + type() + " has " + length() + " bytes where " + size + " are needed");
        }
        return attribute + Nlmsg.NLA_HDRLEN;
    }
}
