package flannel.backend.udp;

/** What the data path counts, for each its name, which stays the same from version to version, and its meaning in a sentence. */
public enum Counter {

    SENT_PACKETS("sentPackets", Kind.WORK, "packets sent to other hosts"),
    SENT_BYTES("sentBytes", Kind.WORK, "bytes of these, with the overlay's own headers"),
    SENT_MESSAGES("sentMessages", Kind.WORK, "what the socket took as one: packets / messages is the size of the trains"),
    SEND_CALLS("sendCalls", Kind.WORK, "calls that sent them: messages / calls is the size of the batches"),
    TUN_READS("tunReads", Kind.WORK, "packets and super-packets read from the TUN device"),
    RECEIVED_PACKETS("receivedPackets", Kind.WORK, "packets received from other hosts"),
    RECEIVED_BYTES("receivedBytes", Kind.WORK, "bytes of these, with the overlay's own headers"),
    RECEIVED_MESSAGES("receivedMessages", Kind.WORK, "what the socket gave as one"),
    RECEIVE_CALLS("receiveCalls", Kind.WORK, "calls that received them"),
    TUN_WRITES("tunWrites", Kind.WORK, "packets and super-packets written to the TUN device"),
    ICMP_REPLIES("icmpReplies", Kind.WORK, "ICMP errors written to it, for senders on this host"),

    NO_ROUTE("noRoute", Kind.DROP, "from here, to an address in no lease"),
    NOT_IPV4("notIpv4", Kind.DROP, "from here, IPv6 or garbage"),
    TOO_BIG("tooBig", Kind.DROP, "from here, larger than the path carries, and not to be fragmented"),
    TOO_MANY_SEGMENTS("tooManySegments", Kind.DROP, "from here, super-packets to be cut into more packets than any kernel asks for"),
    SOCKET_FULL("socketFull", Kind.DROP, "from here, the interface's queue was full"),
    SEND_FAILED("sendFailed", Kind.DROP, "from here, refused by the kernel: no route to the host, a firewall rule"),
    STRANGER("stranger", Kind.DROP, "from a host that holds no lease"),
    SPOOFED("spoofed", Kind.DROP, "from a host that holds a lease, but with another host's address inside"),
    MISDIRECTED("misdirected", Kind.DROP, "from another host, to an address outside this host's subnet"),
    MALFORMED("malformed", Kind.DROP, "from either side: lengths that contradict each other"),
    TUN_FULL("tunFull", Kind.DROP, "from another host, not taken by the TUN device: it is down or gone, or memory is short"),
    CONGESTED("congested", Kind.DROP, "either way, large TCP packets of a queue that has stood for a while, so that their senders slow down");

    /** Whether it counts work done, or packets dropped for a reason. */
    public enum Kind { WORK, DROP }

    private final String label;
    private final Kind kind;
    private final String meaning;

    Counter(String label, Kind kind, String meaning) {
        this.label = label;
        this.kind = kind;
        this.meaning = meaning;
    }

    public String label() {
        return label;
    }

    public Kind kind() {
        return kind;
    }

    public String meaning() {
        return meaning;
    }
}
