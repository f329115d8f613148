package flannel.probe;

import flannel.linux.IcmpSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/**
 * Whether hosts send on what is for their containers: an echo to a container's address whose time to live ends at the host is reported by a
 * host that would have sent it on, and silently dropped by one that forwards nothing (ip_forward, ip_error in net/ipv4).
 */
public final class Onward {

    private static final Duration PATIENCE = Duration.ofMillis(400);
    private static final int BRIDGE = 1;
    private static final int CONTAINER = 2;

    private Onward() {
    }

    /**
     * A host that says nothing of what is for one of its containers.
     *
     * @param bridge whether it has one for them, with an address that answers
     */
    public record Silent(Host host, boolean bridge) {
    }

    /**
     * Asks them all at a time.
     *
     * @param self where to ask from; the first of its addresses that this host has
     * @return those whose kernels said nothing
     * @throws SystemCallException when there is no socket to be had: EPERM for anybody but root
     */
    public static List<Silent> silent(Host self, List<Host> peers) throws SystemCallException, InterruptedException {
        EchoPacket codec = new EchoPacket(ThreadLocalRandom.current().nextLong());
        Set<Integer> withBridge = new HashSet<>();
        Set<Integer> telling = new HashSet<>();
        try (Arena arena = Arena.ofConfined(); IcmpSocket socket = IcmpSocket.open(1)) {
            self.addresses().stream().filter(address -> socket.bind(address) == 0).findFirst();
            MemorySegment buffer = arena.allocate(EchoPacket.ENOUGH);
            for (int peer = 0; peer < peers.size(); peer++) {
                codec.write(buffer.asByteBuffer(), peer);
                socket.send(buffer, EchoPacket.LEAST, peers.get(peer).subnet().base().plus(BRIDGE));
                socket.send(buffer, EchoPacket.LEAST, container(peers.get(peer)));
            }
            List<Ipv4> containers = peers.stream().map(Onward::container).toList();
            long endNanos = System.nanoTime() + PATIENCE.toNanos();
            for (long left = PATIENCE.toMillis(); left > 0 && telling.size() < peers.size(); left = (endNanos - System.nanoTime()) / 1_000_000) {
                socket.await((int) left);
                for (int length = socket.receive(buffer); length >= 0; length = socket.receive(buffer)) {
                    switch (codec.read(buffer.asByteBuffer().limit(length))) {
                        case EchoPacket.Reply(int number, int bytes) when number >= 0 && number < peers.size() -> withBridge.add(number);
                        case EchoPacket.Error(Ipv4 to, Refusal.Reported refusal) when containers.contains(to) -> telling.add(containers.indexOf(to));
                        case null, default -> { }
                    }
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        }
        return IntStream.range(0, peers.size()).filter(peer -> !telling.contains(peer))
                .mapToObj(peer -> new Silent(peers.get(peer), withBridge.contains(peer))).toList();
    }

    private static Ipv4 container(Host peer) {
        return peer.subnet().base().plus(CONTAINER);
    }
}
