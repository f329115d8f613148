package flannel.backend.udp;

import flannel.linux.IoVectors;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Stands where the kernel does, and keeps what it was given. */
final class Captured implements Coalescer.Sink, SendBatch.Flush {

    /** A message: where to, and its datagrams. */
    record Message(int host, List<byte[]> datagrams) {
    }

    final List<byte[]> written = new ArrayList<>();
    final List<Message> messages = new ArrayList<>();

    @Override
    public void write(IoVectors vectors, int from, int count) {
        written.add(gather(vectors, from, from + count));
    }

    @Override
    public int send(SendBatch batch, int from) {
        for (int i = from; i < batch.messages(); i++) {
            List<byte[]> datagrams = new ArrayList<>();
            for (int j = 0; j < batch.datagrams(i); j++) {
                datagrams.add(gather(batch.vectors(), batch.firstVector(i, j), batch.firstVector(i, j + 1)));
            }
            messages.add(new Message(batch.messageHeaders().peerAddress(i), datagrams));
        }
        return batch.messages();
    }

    List<byte[]> datagrams() {
        return messages.stream().flatMap(message -> message.datagrams.stream()).toList();
    }

    private static byte[] gather(IoVectors vectors, int from, int to) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = from; i < to; i++) {
            out.writeBytes(MemorySegment.ofAddress(vectors.address(i)).reinterpret(vectors.length(i)).toArray(ValueLayout.JAVA_BYTE));
        }
        return out.toByteArray();
    }
}
