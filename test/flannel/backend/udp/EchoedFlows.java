package flannel.backend.udp;

import flannel.lab.NetworkNamespace;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Many UDP flows from one namespace to another and back: each datagram has its number in the flow, and the other end answers with the same.
 * Of each flow a few datagrams are under way at a time, in all so few that no queue overflows: what does not come back was lost on the way.
 */
final class EchoedFlows {

    private static final int WINDOW = 4;
    private static final int BYTES = 64;

    /** So long a silence means that no more will come. */
    private static final long SILENCE_MILLIS = 2000;

    /** @param outOfOrder datagrams that did not have the number that was due, there or back */
    record Outcome(long sent, long returned, long outOfOrder) {
    }

    /** One flow as its sender sees it. */
    private static final class Flow {
        private int next;
        private int due;
    }

    private EchoedFlows() {
    }

    /** Runs for so long, and until everything is back or lost. */
    static CompletableFuture<Outcome> start(NetworkNamespace from, NetworkNamespace to, String address, int flows, Duration time) throws Exception {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        DatagramChannel echo = to.call(() -> DatagramChannel.open(StandardProtocolFamily.INET).bind(new InetSocketAddress(address, 0)));
        int port = ((InetSocketAddress) echo.getLocalAddress()).getPort();
        CompletableFuture<Long> disorder = new CompletableFuture<>();
        to.start("echo", () -> complete(disorder, () -> answer(echo)));
        from.start("flows", () -> complete(outcome, () -> {
            Outcome seen = send(new InetSocketAddress(address, port), flows, time.toNanos());
            echo.close();
            return new Outcome(seen.sent, seen.returned, seen.outOfOrder + disorder.get(10, TimeUnit.SECONDS));
        }));
        return outcome;
    }

    private interface Work<T> {
        T run() throws Exception;
    }

    private static <T> void complete(CompletableFuture<T> outcome, Work<T> work) {
        try {
            outcome.complete(work.run());
        } catch (Throwable t) {
            outcome.completeExceptionally(t);
        }
    }

    private static long answer(DatagramChannel socket) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocateDirect(BYTES);
        Map<InetSocketAddress, Integer> due = new HashMap<>();
        long outOfOrder = 0;
        try {
            while (true) {
                InetSocketAddress from = (InetSocketAddress) socket.receive(datagram.clear());
                int number = datagram.getInt(0);
                if (number != due.getOrDefault(from, 0)) {
                    outOfOrder++;
                }
                due.put(from, number + 1);
                socket.send(datagram.flip(), from);
            }
        } catch (ClosedChannelException e) {
            return outOfOrder;
        }
    }

    private static Outcome send(InetSocketAddress to, int flows, long nanos) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocateDirect(BYTES);
        List<DatagramChannel> sockets = new ArrayList<>();
        long sent = 0;
        long returned = 0;
        long outOfOrder = 0;
        try (Selector selector = Selector.open()) {
            long end = System.nanoTime() + nanos;
            for (int i = 0; i < flows; i++) {
                DatagramChannel socket = DatagramChannel.open(StandardProtocolFamily.INET).connect(to);
                sockets.add(socket);
                Flow flow = new Flow();
                socket.configureBlocking(false).register(selector, SelectionKey.OP_READ, flow);
                for (; flow.next < WINDOW; sent++) {
                    socket.write(datagram.clear().putInt(0, flow.next++));
                }
            }
            while (returned < sent && selector.select(SILENCE_MILLIS) > 0) {
                for (SelectionKey key : selector.selectedKeys()) {
                    DatagramChannel socket = (DatagramChannel) key.channel();
                    Flow flow = (Flow) key.attachment();
                    while (socket.read(datagram.clear()) > 0) {
                        int number = datagram.getInt(0);
                        returned++;
                        if (number != flow.due) {
                            outOfOrder++;
                        }
                        flow.due = number + 1;
                        if (System.nanoTime() < end) {
                            socket.write(datagram.clear().putInt(0, flow.next++));
                            sent++;
                        }
                    }
                }
                selector.selectedKeys().clear();
            }
            return new Outcome(sent, returned, outOfOrder);
        } finally {
            for (DatagramChannel socket : sockets) {
                socket.close();
            }
        }
    }
}
