package flannel.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Walks over the messages of what was received. Reads nothing outside of them: a length that points elsewhere, or a header shorter than
 * what is asked of it, is a {@link MalformedMessageException}, and nothing else is ever thrown.
 */
public final class MessageReader {

    private final ByteBuffer buffer;
    private final int end;
    private int message;
    private int messageEnd;
    private int next;

    /** @param buffer the messages, from its position to its limit */
    public MessageReader(ByteBuffer buffer) {
        this.buffer = buffer.slice().order(ByteOrder.nativeOrder());
        this.end = buffer.remaining();
    }

    /** Goes to the next message; false when there is none. */
    public boolean next() throws MalformedMessageException {
        if (next >= end) {
            return false;
        }
        if (end - next < Nlmsg.NLMSG_HDRLEN) {
            throw new MalformedMessageException("a netlink message of " + (end - next) + " bytes has no room for its header");
        }
        int length = buffer.getInt(next);
        if (length < Nlmsg.NLMSG_HDRLEN || length > end - next) {
            throw new MalformedMessageException("a netlink message says it has " + length + " bytes where " + (end - next) + " are");
        }
        message = next;
        messageEnd = next + length;
        next += Nlmsg.align(length);
        return true;
    }

    public int type() {
        return buffer.getShort(message + 4) & 0xFFFF;
    }

    public int flags() {
        return buffer.getShort(message + 6) & 0xFFFF;
    }

    public int sequence() {
        return buffer.getInt(message + 8);
    }

    /** Of the socket that sent it; of a notification, of the one whose request it tells of, 0 for none's (netlink(7)). */
    public int port() {
        return buffer.getInt(message + 12);
    }

    /** Bytes behind the header. */
    public int payloadLength() {
        return messageEnd - message - Nlmsg.NLMSG_HDRLEN;
    }

    /** The byte at an offset into the payload. */
    public int u8(int offset) throws MalformedMessageException {
        return buffer.get(at(offset, 1)) & 255;
    }

    public int u16(int offset) throws MalformedMessageException {
        return buffer.getShort(at(offset, 2)) & 0xFFFF;
    }

    public int i32(int offset) throws MalformedMessageException {
        return buffer.getInt(at(offset, 4));
    }

    /** The attributes behind a fixed header of the given size. */
    public AttributeReader attributes(int headerSize) throws MalformedMessageException {
        int start = Math.min(Nlmsg.align(headerSize), payloadLength());
        if (payloadLength() < headerSize) {
            throw new MalformedMessageException("a payload of " + payloadLength() + " bytes has no room for a header of " + headerSize);
        }
        return new AttributeReader(buffer, message + Nlmsg.NLMSG_HDRLEN + start, messageEnd);
    }

    /** The error number in NLMSG_ERROR or NLMSG_DONE; 0 for success, and for an NLMSG_DONE of a kernel before 4.15, which has none. */
    int errno() throws MalformedMessageException {
        return type() == Nlmsg.NLMSG_DONE && payloadLength() < 4 ? 0 : -i32(0);
    }

    /**
     * What the kernel says beyond the number (extended ack, since Linux 4.12); empty for nothing. Behind the number an NLMSG_ERROR has the
     * request's header, the request's payload unless it is capped, and attributes; an NLMSG_DONE has the attributes at once.
     */
    String errorText() throws MalformedMessageException {
        if ((flags() & Nlmsg.NLM_F_ACK_TLVS) == 0) {
            return "";
        }
        int request = 0;
        if (type() == Nlmsg.NLMSG_ERROR) {
            boolean capped = (flags() & Nlmsg.NLM_F_CAPPED) != 0;
            request = capped ? Nlmsg.NLMSG_HDRLEN : Math.max(Nlmsg.NLMSG_HDRLEN, Math.min(i32(4), payloadLength()));
        }
        AttributeReader attributes = attributes(4 + Nlmsg.align(request));
        while (attributes.next()) {
            if (attributes.type() == Nlmsg.NLMSGERR_ATTR_MSG) {
                return attributes.text();
            }
        }
        return "";
    }

    private int at(int offset, int size) throws MalformedMessageException {
        if (offset < 0 || offset > payloadLength() - size) {
            throw new MalformedMessageException("a payload of " + payloadLength() + " bytes has nothing at " + offset);
        }
        return message + Nlmsg.NLMSG_HDRLEN + offset;
    }
}
