package flannel.lab;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;

/**
 * A bad stretch of the underlay: stands between two hosts and loses, doubles, delays and corrupts their datagrams. Each host knows the
 * other by an address of the relay, which passes on what comes to it under the sender's name.
 *
 * <pre>
 *    host 1, PublicIP A  -- to B -->  relay: A, B  -- from A -->  host 2, PublicIP B
 * </pre>
 */
final class TroubledRelay implements AutoCloseable {

    static final String A = "192.168.32.31";
    static final String B = "192.168.32.32";

    private static final int PORT = 8285;
    private static final int BUFFER_BYTES = 4 << 20;

    /** Of a thousand datagrams: */
    private static final int LOST = 3;
    private static final int DOUBLED = 5;
    private static final int DELAYED = 10;
    private static final int CORRUPTED = 5;

    /** Datagrams that overtake a delayed one. */
    private static final int OVERTAKING = 3;

    private final NetworkNamespace namespace;
    private final DatagramSocket a;
    private final DatagramSocket b;

    TroubledRelay(NetworkNamespace namespace, String device, String hostA, String hostB) throws Exception {
        this.namespace = namespace;
        namespace.run("ip", "address", "add", A + "/24", "dev", device);
        namespace.run("ip", "address", "add", B + "/24", "dev", device);
        a = namespace.call(() -> socket(A));
        b = namespace.call(() -> socket(B));
        Thread.ofPlatform().daemon().name("relay to B").start(() -> relay(b, a, hostB, new Random(1)));
        Thread.ofPlatform().daemon().name("relay to A").start(() -> relay(a, b, hostA, new Random(2)));
    }

    private static DatagramSocket socket(String address) throws IOException {
        DatagramSocket socket = new DatagramSocket(new InetSocketAddress(InetAddress.getByName(address), PORT));
        socket.setReceiveBufferSize(BUFFER_BYTES);
        socket.setSendBufferSize(BUFFER_BYTES);
        return socket;
    }

    private static void relay(DatagramSocket in, DatagramSocket out, String host, Random random) {
        byte[] buffer = new byte[65536];
        Deque<DatagramPacket> delayed = new ArrayDeque<>();
        int overtaken = 0;
        try {
            InetAddress to = InetAddress.getByName(host);
            while (true) {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                in.receive(packet);
                packet.setAddress(to);
                int dice = random.nextInt(1000);
                if (dice < CORRUPTED) {
                    buffer[random.nextInt(packet.getLength())] ^= (byte) (1 << random.nextInt(8));
                } else if ((dice -= CORRUPTED) < DELAYED) {
                    delayed.add(new DatagramPacket(Arrays.copyOf(buffer, packet.getLength()), packet.getLength(), to, PORT));
                    continue;
                } else if ((dice -= DELAYED) < DOUBLED) {
                    out.send(packet);
                } else if ((dice -= DOUBLED) < LOST) {
                    continue;
                }
                out.send(packet);
                if (!delayed.isEmpty() && ++overtaken >= OVERTAKING) {
                    overtaken = 0;
                    out.send(delayed.remove());
                }
            }
        } catch (SocketException e) {
            // closed: the end
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        a.close();
        b.close();
        for (String address : new String[] {A, B}) {
            namespace.run("ip", "address", "del", address + "/24", "dev", "br0");
        }
    }
}
