package flannel.backend.udp;

/** Offsets of fields in TCP (RFC 9293) and UDP (RFC 768) headers, from the header's start, and TCP's flags. */
final class Transport {

    static final int TCP_SIZE = 20;
    static final int TCP_SEQUENCE = 4;
    static final int TCP_ACKNOWLEDGMENT = 8;
    static final int TCP_DATA_OFFSET = 12;
    static final int TCP_FLAGS = 13;
    static final int TCP_WINDOW = 14;
    static final int TCP_CHECKSUM = 16;
    static final int TCP_OPTIONS = 20;

    static final int FIN = 0x01;
    static final int PSH = 0x08;
    static final int ACK = 0x10;
    static final int CWR = 0x80;

    static final int UDP_SIZE = 8;
    static final int UDP_LENGTH = 4;
    static final int UDP_CHECKSUM = 6;

    private Transport() {
    }
}
