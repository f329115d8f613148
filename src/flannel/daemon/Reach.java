package flannel.daemon;

import flannel.probe.Host;
import flannel.probe.Outcome;
import flannel.probe.Refusal;
import flannel.status.NetworkStatus;
import java.time.Duration;
import java.util.List;

/** How the last echoes to one peer went: one small and one of full size at a time. */
final class Reach {

    /** Loss is that of so many times. */
    private static final int TIMES = 20;

    /** So many in a row without an answer are no accident. */
    private static final int SERIES = 3;

    private final String publicIp;
    private final Host host;
    /** The same, with the address alone that has answered: until it no longer does, it need not be searched. */
    private Host asked;
    /** Bit 0 is the last time; 1 for an answer. */
    private long small;
    private long full;
    private int times;
    private int fullBytes;
    private boolean heard;
    private long heardNanos;
    private Duration roundTrip;
    private Refusal refusal;

    /** @param publicIp of the peer: a host that gets another one is another host */
    Reach(String publicIp, Host host) {
        this.publicIp = publicIp;
        this.host = host;
        this.asked = host;
    }

    boolean isAt(String address) {
        return publicIp.equals(address);
    }

    /** Whom to ask next. */
    Host asked() {
        return asked;
    }

    /** @param nowNanos by the system's nanoTime */
    void note(Outcome outcome, long nowNanos) {
        Outcome.Size first = outcome.sizes().getFirst();
        Outcome.Size last = outcome.sizes().getLast();
        small = small << 1 | Math.min(1, first.answered());
        full = full << 1 | Math.min(1, last.answered());
        fullBytes = last.bytes();
        times = Math.min(TIMES, times + 1);
        refusal = outcome.refusal();
        if (outcome.answered() == 0) {
            asked = host;
        } else {
            asked = asked.addresses().size() == 1 ? asked : new Host(host.subnet(), List.of(outcome.address()));
            heard = true;
            heardNanos = nowNanos;
            roundTrip = first.answered() > 0 ? first.mean() : last.mean();
        }
    }

    /** Null before the first time. */
    NetworkStatus.Echoes told(long nowNanos) {
        if (times == 0) {
            return null;
        }
        long window = (1L << times) - 1;
        int answered = Long.bitCount(small & window) + Long.bitCount(full & window);
        return new NetworkStatus.Echoes(heard ? Duration.ofNanos(nowNanos - heardNanos) : null, 1 - answered / (2.0 * times), roundTrip, trouble());
    }

    private String trouble() {
        long series = (1L << SERIES) - 1;
        if (times < SERIES || (full & series) != 0) {
            return "";
        }
        String said = refusal == null ? "" : " (" + refusal.text() + ")";
        if ((small & series) == 0) {
            return "no echo is answered" + said + ": is that host up, and does a packet filter between the hosts let the backend's packets through?";
        }
        return (small & series) != series ? "" : "small packets get through, those of " + fullBytes + " bytes do not" + said
                + ": the underlay takes smaller packets than its MTU says";
    }
}
