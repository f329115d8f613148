package flannel.probe;

import flannel.linux.Errno;
import flannel.net.Ipv4;

/** Why an echo did not get there, as far as somebody says it. */
public sealed interface Refusal {

    /** In words, for a sentence: "192.168.32.1 says: fragmentation needed, MTU 1400". */
    String text();

    /** This host's kernel does not send it: {@code errno} says why. */
    record NotSent(int errno) implements Refusal {

        @Override
        public String text() {
            return switch (errno) {
                case Errno.EMSGSIZE -> "larger than the MTU of this host's device";
                case Errno.EPERM -> "not sent: this host's packet filter drops it";
                default -> "not sent: " + Errno.describe(errno);
            };
        }
    }

    /**
     * A host on the way reports it (RFC 792, RFC 1191).
     *
     * @param by   it
     * @param type 3, destination unreachable, or 11, time exceeded
     * @param mtu  of the next hop; 0 when it is about something else
     */
    record Reported(Ipv4 by, int type, int code, int mtu) implements Refusal {

        private static final int UNREACHABLE = 3;

        @Override
        public String text() {
            return by + " says: " + (type != UNREACHABLE ? "it is not mine, and I was to send it to nobody else" : switch (code) {
                case 0 -> "network unreachable";
                case 1 -> "host unreachable";
                case 3 -> "port unreachable: nobody there takes it, or a packet filter says so";
                case 4 -> "fragmentation needed, MTU " + mtu;
                case 9, 10, 13 -> "prohibited by a packet filter";
                default -> "destination unreachable, code " + code;
            });
        }
    }
}
