package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/** A UDP socket in each of two containers: what one sends must arrive at the other unchanged. */
final class UdpLink implements AutoCloseable {

    private static final int BUFFER_BYTES = 1 << 20;

    /** Datagrams under way at a time: few enough for any queue. */
    private static final int WINDOW = 16;

    private final DatagramSocket from;
    private final DatagramSocket to;
    private final InetAddress address;

    UdpLink(NetworkNamespace from, NetworkNamespace to, String address) throws Exception {
        this.from = from.call(() -> new DatagramSocket());
        this.to = to.call(() -> new DatagramSocket());
        this.to.setReceiveBufferSize(BUFFER_BYTES);
        this.to.setSoTimeout((int) Daemon.PATIENCE.toMillis());
        this.address = InetAddress.getByName(address);
    }

    /** Port of the socket that receives. */
    int port() {
        return to.getLocalPort();
    }

    /** Sends a datagram of each size and compares what arrives, which is in the order of sending. */
    void carry(IntStream sizes) throws IOException {
        int[] all = sizes.toArray();
        for (int start = 0; start < all.length; start += WINDOW) {
            int end = Math.min(start + WINDOW, all.length);
            for (int i = start; i < end; i++) {
                from.send(new DatagramPacket(content(all[i]), all[i], address, port()));
            }
            for (int i = start; i < end; i++) {
                byte[] received = receive();
                assertEquals(all[i], received.length);
                assertArrayEquals(content(all[i]), received);
            }
        }
    }

    /** The next datagram's payload. */
    byte[] receive() throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[65536], 65536);
        to.receive(packet);
        return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    /** True when nothing has arrived that was not received yet. */
    boolean isEmpty() throws IOException {
        to.setSoTimeout(1);
        try {
            receive();
            return false;
        } catch (SocketTimeoutException e) {
            return true;
        } finally {
            to.setSoTimeout((int) Daemon.PATIENCE.toMillis());
        }
    }

    static byte[] content(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @Override
    public void close() {
        from.close();
        to.close();
    }
}
