package flannel.lab.faults;

import flannel.lab.Await;
import flannel.lab.Host;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A datagram from each host's container to each other's, twenty times a second. All ends are in this process, so that each direction's
 * losses are known by themselves. Time is told in datagrams: the number that all pairs send next.
 */
final class Traffic implements AutoCloseable {

    private static final int PORT = 7007;
    private static final int PERIOD_MILLIS = 50;

    /** One container's end. */
    private static final class End {
        private final Host host;
        private final DatagramChannel channel;
        private final InetSocketAddress address;
        /** What came in from each of the others. */
        private final List<BitSet> arrived = new ArrayList<>();

        End(Host host) throws Exception {
            this.host = host;
            address = new InetSocketAddress(host.containerAddress(), PORT);
            channel = host.container().call(() -> DatagramChannel.open().bind(address));
        }
    }

    private final List<End> ends = new ArrayList<>();
    private volatile int next;
    private volatile boolean closed;

    Traffic(List<Host> hosts) throws Exception {
        for (Host host : hosts) {
            ends.add(new End(host));
        }
        for (End end : ends) {
            ends.forEach(from -> end.arrived.add(new BitSet()));
            Thread.ofPlatform().daemon().name("arrivals").start(() -> receive(end));
        }
        Thread.ofPlatform().daemon().name("departures").start(this::send);
    }

    private void send() {
        ByteBuffer datagram = ByteBuffer.allocate(Integer.BYTES * 2);
        try {
            for (; !closed; next++) {
                for (int from = 0; from < ends.size(); from++) {
                    for (End to : ends) {
                        datagram.clear().putInt(from).putInt(next).flip();
                        sendOne(ends.get(from).channel, datagram, to.address);
                    }
                }
                Thread.sleep(PERIOD_MILLIS);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void sendOne(DatagramChannel channel, ByteBuffer datagram, InetSocketAddress to) {
        try {
            channel.send(datagram, to);
        } catch (IOException e) {
            // no route: lost as others are, and seen at the other end
        }
    }

    private void receive(End end) {
        ByteBuffer datagram = ByteBuffer.allocate(Integer.BYTES * 2);
        try {
            while (true) {
                end.channel.receive(datagram.clear());
                int from = datagram.flip().getInt();
                synchronized (end) {
                    end.arrived.get(from).set(datagram.getInt());
                }
            }
        } catch (IOException e) {
            if (!closed) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The number of the datagram that is sent next. */
    int now() {
        return next;
    }

    /** A pair's losses. */
    record Loss(Host from, Host to, int datagrams) {
        @Override
        public String toString() {
            return datagrams + " from " + from.address() + " to " + to.address();
        }
    }

    /** Who lost datagrams among those with numbers from {@code since} up to but not {@code until}. */
    List<Loss> lost(int since, int until) {
        List<Loss> losses = new ArrayList<>();
        for (End to : ends) {
            for (int from = 0; from < ends.size(); from++) {
                synchronized (to) {
                    int lost = until - since - to.arrived.get(from).get(since, until).cardinality();
                    if (lost > 0) {
                        losses.add(new Loss(ends.get(from).host, to.host, lost));
                    }
                }
            }
        }
        return losses;
    }

    /** Waits until each pair has a datagram through that was sent from now on. */
    void awaitAllTalk() throws Exception {
        int since = next;
        Await.that("all pairs talk", () -> ends.stream().allMatch(end -> hasHeardAll(end, since)));
    }

    private static boolean hasHeardAll(End end, int since) {
        synchronized (end) {
            return end.arrived.stream().allMatch(arrived -> arrived.nextSetBit(since) >= 0);
        }
    }

    @Override
    public void close() {
        closed = true;
        for (End end : ends) {
            try {
                end.channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
