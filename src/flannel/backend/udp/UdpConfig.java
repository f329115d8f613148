package flannel.backend.udp;

/**
 * What the network's configuration says to this backend (the members of "Backend").
 *
 * @param port        UDP port at every host ("Port"; 8285)
 * @param sourceCheck whether only hosts that hold a lease are listened to, and to addresses of their own subnet only ("SourceCheck";
 *                    true); off for hosts behind address translation
 * @param level       highest level of offload to try ("Offload"; offload)
 */
public record UdpConfig(int port, boolean sourceCheck, Level level) {

    public static final int DEFAULT_PORT = 8285;

    public static final UdpConfig DEFAULT = new UdpConfig(DEFAULT_PORT, true, Level.OFFLOAD);
}
