package flannel.store;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A store's file as bytes: records one behind the other, each a line with its length, its checksum (CRC-32C) and a checksum of those two, in
 * hexadecimal digits, and a line of JSON. Pure.
 *
 * <pre>
 *   000000a1 9c1f02b7 5e0d4410
 *   {"revision":124,"clock":86400000,...}
 * </pre>
 *
 * With its own checksum the length can be relied on: a record that ends behind the end of the file was cut off while it was written. So it was when
 * a part of it was never written, which reads as zero bytes. Everything else that does not fit its checksum is damage.
 */
final class Records {

    /** Longer no file becomes, which is written anew in time. */
    static final int LONGEST = 32 << 20;

    private static final int HEADER = 27;

    /** There is no zero byte in what is written: so many of them were not. */
    private static final int UNWRITTEN = 16;

    private Records() {
    }

    /** Behind which good bytes end. */
    sealed interface End {
    }

    /** The file's. */
    record Whole() implements End {
    }

    /** A write that was not completed, and so not answered. */
    record Torn() implements End {
    }

    /** Bytes that were changed after they had been written. @param readable how many good records are behind them */
    record Damaged(int readable) implements End {
    }

    /** A record's JSON. @param at its first byte */
    record Payload(int at, int length) {

        String text(byte[] file) {
            return new String(file, at, length, StandardCharsets.UTF_8);
        }
    }

    /**
     * What is in a file.
     *
     * @param payloads of the records before the end, in their order
     * @param end      what comes behind these
     * @param at       where
     * @param behind   the payloads of those that can be read behind the damage
     */
    record Scan(List<Payload> payloads, End end, int at, List<Payload> behind) {
    }

    static byte[] frame(byte[] payload) {
        String sums = String.format("%08x %08x ", payload.length, crc(payload, 0, payload.length));
        byte[] start = sums.getBytes(StandardCharsets.US_ASCII);
        String header = sums + String.format("%08x\n", crc(start, 0, start.length));
        return ByteBuffer.allocate(HEADER + payload.length).put(header.getBytes(StandardCharsets.US_ASCII)).put(payload).array();
    }

    private static int crc(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    static Scan scan(byte[] file) {
        List<Payload> payloads = new ArrayList<>();
        int at = readAll(file, 0, payloads);
        if (at == file.length && at > 0) {
            return new Scan(payloads, new Whole(), at, List.of());
        }
        List<Payload> behind = new ArrayList<>();
        for (int next = at + 1; next < file.length; next++) {
            next = Math.max(next, readAll(file, next, behind));
        }
        // a file begins with a record that was there before the file had its name
        boolean torn = behind.isEmpty() && at > 0 && isUnfinished(file, at);
        return new Scan(payloads, torn ? new Torn() : new Damaged(behind.size()), at, behind);
    }

    /** Reads one record after the other. @return where they end */
    private static int readAll(byte[] file, int from, List<Payload> payloads) {
        int at = from;
        for (int length = length(file, at); length >= 0 && length <= file.length - at - HEADER
                && crc(file, at + HEADER, length) == number(file, at + 9); length = length(file, at)) {
            payloads.add(new Payload(at + HEADER, length));
            at += HEADER + length;
        }
        return at;
    }

    private static boolean isUnfinished(byte[] file, int at) {
        if (file.length - at < HEADER || length(file, at) > file.length - at - HEADER) {
            return true;
        }
        int zeros = 0;
        for (int i = at; i < file.length && zeros < UNWRITTEN; i++) {
            zeros = file[i] == 0 ? zeros + 1 : 0;
        }
        return zeros == UNWRITTEN;
    }

    /** The length that a record's first line tells; -1 when there is no such line. */
    private static int length(byte[] file, int at) {
        if (file.length - at < HEADER || file[at + 8] != ' ' || file[at + 17] != ' ' || file[at + HEADER - 1] != '\n'
                || crc(file, at, 18) != number(file, at + 18)) {
            return -1;
        }
        return number(file, at);
    }

    /** Eight hexadecimal digits; what else stands there makes a number that fits no checksum, in all likelihood. */
    private static int number(byte[] file, int at) {
        int number = 0;
        for (byte digit : Arrays.copyOfRange(file, at, at + 8)) {
            number = number << 4 | Character.digit(digit, 16) & 15;
        }
        return number;
    }
}
