package flannel.backend.udp;

import flannel.lease.NetworkConfig;

/**
 * What the network's configuration says to this backend (the members of "Backend").
 *
 * @param port        UDP port at every host ("Port"; 8285)
 * @param sourceCheck whether only hosts that hold a lease are listened to, and to addresses of their own subnet only ("SourceCheck";
 *                    true); off for hosts behind address translation. To this host's subnet only, always
 * @param level       highest level of offload to try ("Offload"; offload)
 */
public record UdpConfig(int port, boolean sourceCheck, Level level) {

    public static final int DEFAULT_PORT = 8285;

    public static final UdpConfig DEFAULT = new UdpConfig(DEFAULT_PORT, true, Level.OFFLOAD);

    /** Reads the backend's part of a configuration; {@link IllegalArgumentException} with one sentence when a member is wrong. */
    public static UdpConfig of(NetworkConfig config) {
        return new UdpConfig(config.backendInteger("Port", DEFAULT_PORT, 1, 65535), config.backendFlag("SourceCheck", true),
                Level.parse(config.backendText("Offload", Level.OFFLOAD.toString())));
    }
}
