package flannel.probe;

import flannel.linux.PacketSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;

/** Who on a link says that an address is its own: by an ARP probe (RFC 5227), which tells nobody anything and changes no one's tables. */
public final class AddressProbe {

    private static final Duration PATIENCE = Duration.ofMillis(120);
    private static final int BYTES = 28;
    private static final int ENOUGH = 64;
    private static final int REPLY = 2;
    private static final MacAddress EVERYBODY = new MacAddress(-1);

    private AddressProbe() {
    }

    /**
     * Asks all on the link but this host itself.
     *
     * @param device index of an Ethernet device
     * @param own    its hardware address
     * @return hardware addresses, in the form aa:bb:cc:dd:ee:ff, of those that answered in time
     * @throws SystemCallException when there is no socket to be had: EPERM for anybody but root
     */
    public static Set<String> owners(int device, MacAddress own, Ipv4 address) throws SystemCallException, InterruptedException {
        Set<String> owners = new TreeSet<>();
        try (Arena arena = Arena.ofConfined(); PacketSocket socket = PacketSocket.openArp(device)) {
            MemorySegment buffer = arena.allocate(ENOUGH);
            ByteBuffer bytes = buffer.asByteBuffer();
            bytes.putShort(0, (short) 1).putShort(2, (short) 0x0800).put(4, (byte) 6).put(5, (byte) 4).putShort(6, (short) 1);
            for (int i = 0; i < 6; i++) {
                bytes.put(8 + i, own.octet(i));
            }
            bytes.putInt(24, address.bits());
            socket.send(buffer, BYTES, EVERYBODY);
            long endNanos = System.nanoTime() + PATIENCE.toNanos();
            for (long left = PATIENCE.toMillis(); left > 0; left = (endNanos - System.nanoTime()) / 1_000_000) {
                socket.await((int) left);
                for (int length = socket.receive(buffer); length >= 0; length = socket.receive(buffer)) {
                    if (length >= BYTES && bytes.getShort(6) == REPLY && bytes.getInt(14) == address.bits()) {
                        owners.add(new MacAddress(bytes.getLong(8) >>> 16).toString());
                    }
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        }
        return owners;
    }
}
