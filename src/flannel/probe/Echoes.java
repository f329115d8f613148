package flannel.probe;

import flannel.linux.Errno;
import flannel.linux.IcmpSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntPredicate;

/**
 * One round of echoes to many peers, by one thread on one socket: first who answers at all, and at which of its addresses, then as many as
 * the plan says to that one. Who has one address only is not searched for. They are spread evenly over the time, so that no buffer on the
 * way overflows by them, and their number is that of the time's order: number n is due at n times the spacing, or a little before, with those
 * of its burst.
 */
public final class Echoes {

    /** So many are sent at a time, 12 KB, when there are many peers: to wake up costs more than to send. */
    private static final int LARGEST_BURST = 8;

    /** A burst is at most this part of what is sent in an interval. */
    private static final int BURSTS_IN_INTERVAL = 8;

    private final Plan plan;
    private final List<Host> peers;
    private final IcmpSocket socket;
    private final EchoPacket codec = new EchoPacket(ThreadLocalRandom.current().nextLong());
    private final MemorySegment request;
    private final ByteBuffer requestBytes;
    private final MemorySegment received;
    private final ByteBuffer receivedBytes;

    /** How many numbers the search for addresses has: all peers' first addresses, then their second ones. */
    private final int searches;
    /** By number: when it was sent, how long the answer took; 0 for not. */
    private final long[] sentNanos;
    private final long[] tookNanos;
    /** By peer: place of its address in the list, -1 until one has answered; and what was last said against it. */
    private final int[] answering;
    private final Refusal[] refusals;
    private final Map<Ipv4, Integer> peerOf = new HashMap<>();

    private Echoes(Plan plan, List<Host> peers, IcmpSocket socket, Arena arena) {
        this.plan = plan;
        this.peers = peers;
        this.socket = socket;
        request = arena.allocate(plan.sizes().stream().mapToInt(Integer::intValue).max().orElseThrow());
        requestBytes = request.asByteBuffer();
        received = arena.allocate(EchoPacket.ENOUGH);
        receivedBytes = received.asByteBuffer();
        searches = peers.size() * peers.stream().mapToInt(peer -> peer.addresses().size()).max().orElse(0);
        int numbers = searches + peers.size() * plan.sizes().size() * plan.rounds();
        sentNanos = new long[numbers];
        tookNanos = new long[numbers];
        answering = new int[peers.size()];
        refusals = new Refusal[peers.size()];
        for (int peer = 0; peer < peers.size(); peer++) {
            answering[peer] = -1;
            for (Ipv4 address : peers.get(peer).addresses()) {
                peerOf.put(address, peer);
            }
        }
    }

    /**
     * Asks them all. With peers that do not answer it takes two patiences longer than the plan's rounds.
     *
     * @param self from where; the first of its addresses that this host has
     * @throws SystemCallException when there is no socket to be had: EPERM for anybody but root
     */
    public static Round ask(Plan plan, Host self, List<Host> peers) throws SystemCallException, InterruptedException {
        try (Arena arena = Arena.ofConfined(); IcmpSocket socket = IcmpSocket.open(plan.hops())) {
            Ipv4 source = self.addresses().stream().filter(address -> socket.bind(address) == 0).findFirst().orElse(null);
            Echoes echoes = new Echoes(plan, List.copyOf(peers), socket, arena);
            echoes.phase(0, echoes.searches, echoes::isSearched);
            echoes.forgetRefusals();
            echoes.phase(echoes.searches, echoes.sentNanos.length, number -> true);
            return new Round(source, echoes.outcomes());
        }
    }

    // ---- numbers ----

    private int peer(int number) {
        return (number < searches ? number : number - searches) % peers.size();
    }

    /** Place of the address that a number of the search is for. */
    private int place(int number) {
        return number / peers.size();
    }

    private Ipv4 address(int number) {
        List<Ipv4> addresses = peers.get(peer(number)).addresses();
        return addresses.get(number < searches ? place(number) : Math.max(0, answering[peer(number)]));
    }

    private int bytes(int number) {
        return number < searches ? plan.least() : plan.sizes().get((number - searches) / peers.size() % plan.sizes().size());
    }

    /** Whether it is worth while: the peer has such an address, and none has answered yet. */
    private boolean isSearched(int number) {
        int addresses = peers.get(peer(number)).addresses().size();
        return addresses > 1 && place(number) < addresses && answering[peer(number)] < 0;
    }

    // ---- sending and receiving ----

    /** Sends what is to be sent of those numbers, each at its time; returns when all are answered, or the patience is at its end. */
    private void phase(int from, int to, IntPredicate wanted) throws SystemCallException, InterruptedException {
        int burst = Math.clamp(peers.size() / BURSTS_IN_INTERVAL, 1, LARGEST_BURST);
        long burstNanos = plan.interval().toNanos() * burst / Math.max(1, peers.size());
        long startNanos = System.nanoTime();
        long endNanos = startNanos + plan.patience().toNanos();
        int next = from;
        while (true) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long now = System.nanoTime();
            while (next < to && (!wanted.test(next) || startNanos + (next - from) / burst * burstNanos <= now)) {
                if (wanted.test(next)) {
                    send(next);
                    receive(); // what is there already has not to wait for the rest of the burst
                    endNanos = System.nanoTime() + plan.patience().toNanos();
                }
                next++;
            }
            if (next == to && (now - endNanos >= 0 || answered(from, to))) {
                return;
            }
            long waitNanos = (next < to ? startNanos + (next - from) / burst * burstNanos : endNanos) - System.nanoTime();
            if (waitNanos > 0) {
                socket.await((int) Math.min(1_000, Duration.ofNanos(waitNanos).plusNanos(999_999).toMillis()));
            }
            receive();
        }
    }

    private boolean answered(int from, int to) {
        for (int number = from; number < to; number++) {
            if (sentNanos[number] != 0 && tookNanos[number] == 0 && !(number < searches && answering[peer(number)] >= 0)) {
                return false;
            }
        }
        return true;
    }

    private void send(int number) {
        codec.write(requestBytes, number);
        sentNanos[number] = System.nanoTime();
        int result = socket.send(request, bytes(number) - EchoPacket.IP_HEADER, address(number));
        if (result < 0) {
            refusals[peer(number)] = new Refusal.NotSent(-result);
        }
    }

    private void receive() throws SystemCallException {
        int length = socket.receive(received);
        while (length >= 0) {
            EchoPacket.Answer answer = codec.read(receivedBytes.limit(length));
            switch (answer) {
                case null -> { }
                case EchoPacket.Reply reply -> replied(reply);
                case EchoPacket.Error error -> refused(error);
            }
            receivedBytes.clear();
            length = socket.receive(received);
        }
        if (length != -Errno.EAGAIN && length != -Errno.EINTR) {
            throw new SystemCallException("recv ICMP", -length);
        }
    }

    private void replied(EchoPacket.Reply reply) {
        int number = reply.number();
        boolean asked = number >= 0 && number < sentNanos.length && sentNanos[number] != 0;
        if (!asked || tookNanos[number] != 0 || reply.bytes() != bytes(number)) {
            return;
        }
        if (number < searches && answering[peer(number)] < 0) {
            answering[peer(number)] = place(number);
        }
        tookNanos[number] = Math.max(1, System.nanoTime() - sentNanos[number]);
    }

    /** What the search met with, on the way to an address that answers. */
    private void forgetRefusals() {
        for (int peer = 0; peer < answering.length; peer++) {
            if (answering[peer] >= 0) {
                refusals[peer] = null;
            }
        }
    }

    private void refused(EchoPacket.Error error) {
        Integer peer = peerOf.get(error.to());
        if (peer != null) {
            refusals[peer] = error.refusal();
        }
    }

    // ---- outcomes ----

    private List<Outcome> outcomes() {
        List<Outcome> outcomes = new ArrayList<>(peers.size());
        for (int peer = 0; peer < peers.size(); peer++) {
            List<Outcome.Size> sizes = new ArrayList<>();
            for (int size = 0; size < plan.sizes().size(); size++) {
                sizes.add(size(peer, size));
            }
            Host host = peers.get(peer);
            outcomes.add(new Outcome(host, host.addresses().get(Math.max(0, answering[peer])), sizes, refusals[peer]));
        }
        return outcomes;
    }

    private Outcome.Size size(int peer, int size) {
        int sent = 0;
        int answered = 0;
        long least = Long.MAX_VALUE;
        long sum = 0;
        long most = 0;
        for (int round = 0; round < plan.rounds(); round++) {
            int number = searches + (round * plan.sizes().size() + size) * peers.size() + peer;
            sent += sentNanos[number] == 0 ? 0 : 1;
            long took = tookNanos[number];
            if (took != 0) {
                answered++;
                least = Math.min(least, took);
                sum += took;
                most = Math.max(most, took);
            }
        }
        return new Outcome.Size(plan.sizes().get(size), sent, answered, Duration.ofNanos(answered == 0 ? 0 : least),
                Duration.ofNanos(answered == 0 ? 0 : sum / answered), Duration.ofNanos(most));
    }
}
