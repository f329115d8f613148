package flannel.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.atomic.AtomicInteger;

/** A disk that takes the time it is told, counts, and fails when it is told to. What it is given reaches the file, but not the plates. */
final class TestDisk implements Journal.Disk {

    private final long forceMillis;
    final AtomicInteger forces = new AtomicInteger();
    volatile String writeFailure = "";
    volatile String forceFailure = "";

    TestDisk(long forceMillis) {
        this.forceMillis = forceMillis;
    }

    @Override
    public void write(FileChannel file, ByteBuffer bytes) throws IOException {
        if (!writeFailure.isEmpty()) { // as a full disk does, in the middle
            file.write(bytes.slice(0, bytes.remaining() / 2));
            throw new IOException(writeFailure);
        }
        Journal.Disk.super.write(file, bytes);
    }

    @Override
    public void force(FileChannel file) throws IOException {
        forces.incrementAndGet();
        try {
            Thread.sleep(forceMillis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        if (!forceFailure.isEmpty()) {
            throw new IOException(forceFailure);
        }
    }
}
