package flannel.backend.udp;

import java.util.Locale;

/**
 * How much of the work is done in batches, from the fastest to what every kernel can do. The highest that is allowed is tried, and
 * each part that the kernel does not have is left out ({@link Features}).
 */
public enum Level {

    /** Whole trains of packets a call: TCP and UDP super-packets at the TUN device, and UDP_SEGMENT and UDP_GRO at the socket. */
    OFFLOAD,

    /** Super-packets at the TUN device, many datagrams a call at the socket: what Linux 3.10 (CentOS 7) has. */
    TSO,

    /** Single packets at the TUN device, many datagrams a call at the socket. */
    BATCH,

    /** One packet a call at both ends, as the original. */
    SINGLE;

    /** Reads a level's name in any case. */
    public static Level parse(String name) {
        for (Level level : values()) {
            if (level.toString().equalsIgnoreCase(name)) {
                return level;
            }
        }
        throw new IllegalArgumentException("\"" + name + "\" is not an offload level: offload, tso, batch or single");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
