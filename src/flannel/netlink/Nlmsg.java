package flannel.netlink;

/** Numbers of include/uapi/linux/netlink.h. */
public final class Nlmsg {

    /** Protocols of socket(AF_NETLINK). */
    public static final int NETLINK_ROUTE = 0;
    public static final int NETLINK_NETFILTER = 12;

    /** Flags of every request. */
    public static final int NLM_F_REQUEST = 0x1;
    public static final int NLM_F_ACK = 0x4;
    /** On a dump's answer: the table changed meanwhile. */
    public static final int NLM_F_DUMP_INTR = 0x10;
    /** NLM_F_ROOT | NLM_F_MATCH. */
    public static final int NLM_F_DUMP = 0x300;

    /** Flags of a request that makes something. */
    public static final int NLM_F_REPLACE = 0x100;
    public static final int NLM_F_EXCL = 0x200;
    public static final int NLM_F_CREATE = 0x400;

    /** Flags of an answer NLMSG_ERROR: the request is not repeated in it beyond its header; attributes follow. */
    static final int NLM_F_CAPPED = 0x100;
    static final int NLM_F_ACK_TLVS = 0x200;

    static final int NLMSG_ERROR = 2;
    static final int NLMSG_DONE = 3;
    static final int NLMSG_OVERRUN = 4;

    /** struct nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
    static final int NLMSG_HDRLEN = 16;

    /** struct nlattr: u16 length, u16 type. */
    static final int NLA_HDRLEN = 4;
    static final int NLA_F_NESTED = 0x8000;
    static final int NLA_TYPE_MASK = 0x3FFF;

    /** Attribute of NLMSG_ERROR: a sentence. */
    static final int NLMSGERR_ATTR_MSG = 1;

    /** include/linux/socket.h, and options of that level. */
    static final int SOL_NETLINK = 270;
    static final int NETLINK_CAP_ACK = 10;
    static final int NETLINK_EXT_ACK = 11;
    static final int NETLINK_GET_STRICT_CHK = 12;

    private Nlmsg() {
    }

    /** Messages and attributes start at multiples of four bytes. */
    static int align(int length) {
        return length + 3 & ~3;
    }
}
