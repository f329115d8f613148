package flannel.report;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.GZIPOutputStream;

/** Writes small files into a compressed archive that every tar reads. Source: POSIX.1-1988, the ustar interchange format; RFC 1952 (gzip). */
final class Tarball implements AutoCloseable {

    private static final int BLOCK = 512;
    private static final int LONGEST_NAME = 100;
    private static final int CHECKSUM = 148;
    private static final int CHECKSUM_LENGTH = 8;

    private final OutputStream out;
    private final Instant when;

    /** @param when that the files are of */
    Tarball(OutputStream out, Instant when) throws IOException {
        this.out = new GZIPOutputStream(out);
        this.when = when;
    }

    /** @param name of ASCII, with its folders; 100 characters at most */
    void add(String name, byte[] content) throws IOException {
        if (name.length() > LONGEST_NAME) {
            throw new IllegalArgumentException("too long a name for a tar archive: " + name);
        }
        byte[] header = new byte[BLOCK];
        put(header, 0, name);
        put(header, 100, "0000600\0" + "0000000\0" + "0000000\0"); // mode, user, group
        put(header, 124, octal(content.length) + octal(when.getEpochSecond()));
        put(header, CHECKSUM, " ".repeat(CHECKSUM_LENGTH)); // that it is reckoned with
        put(header, 156, "0"); // a file
        put(header, 257, "ustar\0" + "00" + "root");
        put(header, 297, "root");
        int sum = 0;
        for (byte each : header) {
            sum += each & 0xff;
        }
        put(header, CHECKSUM, String.format("%06o\0 ", sum));
        out.write(header);
        out.write(content);
        out.write(new byte[-content.length & BLOCK - 1]);
    }

    private static String octal(long number) {
        return String.format("%011o\0", number);
    }

    private static void put(byte[] header, int offset, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, offset, bytes.length);
    }

    @Override
    public void close() throws IOException {
        out.write(new byte[2 * BLOCK]);
        out.close();
    }
}
