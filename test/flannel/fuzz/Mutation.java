package flannel.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.random.RandomGenerator;

/** Ways to spoil bytes of any kind, and those with lengths in them: netlink's attributes and DER's elements. */
public final class Mutation {

    private static final int LONGEST = 1 << 18;

    /** What has surprised readers before. */
    private static final List<String> WORDS = List.of("\0", "\u001b[2J", "\u2028", "\r\n", "\n\n", "\r\n\r\n", "\t", " ", "\"", "\\",
            "\\u0000", "\\ud800", "{", "}",
            "[", "]", ":", ": ", "- ", "&", "..", "/", "%00", "%", "=", "-", "--", "#", "'", "|", "null", "true", "-1", "0", "00",
                    "1e999", "65536", "4294967296",
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "0.0.0.0/0", "10.1.5.0/33", "10.1.5.0/-1",
                    "255.255.255.255", "256.1.1.1",
            "1.2.3", "::1", "٣", "İ", "\uffff", "𝟘", "x".repeat(300), "9".repeat(40), "[".repeat(3_000), "{\"a\":".repeat(3_000));

    private static final List<byte[]> NOT_UTF_8 = List.of(new byte[] {(byte) 0xC0, (byte) 0x80}, new byte[] {(byte) 0xED, (byte) 0xA0,
            (byte) 0x80},
            new byte[] {(byte) 0xFF}, new byte[] {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80}, new byte[] {(byte) 0xE2,
                    (byte) 0x82});

    private static final int[] EDGES = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 32, 33, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFC,
            0xFFFF, 0x10000,
            Integer.MAX_VALUE, Integer.MIN_VALUE, -1, -4, -16};

    private Mutation() {
    }

    /** Up to eight changes of bytes. */
    public static byte[] bytes(List<byte[]> samples, RandomGenerator dice) {
        byte[] input = any(samples, dice);
        for (int changes = dice.nextInt(9); changes > 0; changes--) {
            input = change(input, samples, dice);
        }
        return input;
    }

    static byte[] any(List<byte[]> samples, RandomGenerator dice) {
        return samples.get(dice.nextInt(samples.size())).clone();
    }

    static byte[] change(byte[] input, List<byte[]> samples, RandomGenerator dice) {
        int at = dice.nextInt(input.length + 1);
        int to = Math.min(input.length, at + (dice.nextInt(4) == 0 ? dice.nextInt(input.length + 1) : dice.nextInt(9)));
        byte[] other = any(samples, dice);
        return switch (dice.nextInt(9)) {
            case 0, 1 -> {
                byte[] flipped = input.clone();
                if (at < input.length) {
                    flipped[at] ^= (byte) (1 << dice.nextInt(8));
                }
                yield flipped;
            }
            case 2 -> {
                byte[] set = input.clone();
                Arrays.fill(set, at, to, (byte) dice.nextInt(256));
                yield set;
            }
            case 3 -> spliced(input, at, new byte[0], to);
            case 4 -> dice.nextInt(3) == 0 ? Arrays.copyOf(input, at) : spliced(input, at, new byte[0], to);
            case 5 -> spliced(input, at, repeated(Arrays.copyOfRange(input, at, to), dice.nextInt(8) == 0 ? dice.nextInt(2_000) : 2), at);
            case 6 -> {
                int from = dice.nextInt(other.length + 1);
                yield spliced(input, at, Arrays.copyOfRange(other, from, Math.min(other.length, from + dice.nextInt(other.length + 1))),
                        to);
            }
            case 7 -> spliced(input, at, NOT_UTF_8.get(dice.nextInt(NOT_UTF_8.size())), dice.nextBoolean() ? at : to);
            default -> spliced(input, at, WORDS.get(dice.nextInt(WORDS.size())).getBytes(StandardCharsets.UTF_8), dice.nextBoolean() ? at
                    : to);
        };
    }

    public static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] repeated(byte[] part, int times) {
        byte[] all = new byte[Math.min(LONGEST, part.length * times)];
        for (int i = 0; i < all.length; i++) {
            all[i] = part[i % part.length];
        }
        return all;
    }

    /** With something else in place of a part. */
    private static byte[] spliced(byte[] input, int from, byte[] part, int to) {
        if (input.length - (to - from) + part.length > LONGEST) {
            return input;
        }
        return ByteBuffer.allocate(input.length - (to - from) + part.length).put(input, 0, from).put(part).put(input, to,
                input.length - to).array();
    }

    /** A word, mutated as little as it can be. */
    static String word(RandomGenerator dice) {
        return WORDS.get(dice.nextInt(WORDS.size()));
    }

    /** Fields of two and four bytes at multiples of two get values at the edges: netlink's lengths and types, and what packets' headers have. */
    public static byte[] fields(List<byte[]> samples, RandomGenerator dice) {
        byte[] input = dice.nextInt(6) == 0 ? bytes(samples, dice) : any(samples, dice);
        ByteBuffer buffer = ByteBuffer.wrap(input).order(dice.nextInt(4) == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.nativeOrder());
        for (int changes = dice.nextInt(4); changes > 0 && input.length >= 8; changes--) {
            int first = dice.nextInt(4) == 0 ? 0 : Math.min(16, input.length / 4); // what is wrong in the header ends all reading
            int at = dice.nextInt(first, input.length - 3) / 2 * 2;
            int value = switch (dice.nextInt(3)) {
                case 0 -> input.length - at + dice.nextInt(-5, 6);
                case 1 -> buffer.getShort(at) + dice.nextInt(-5, 6);
                default -> EDGES[dice.nextInt(EDGES.length)];
            };
            if (dice.nextBoolean()) {
                buffer.putShort(at, (short) value);
            } else {
                buffer.putInt(at, value);
            }
        }
        return input;
    }

    /** What is within a PEM block is spoiled as DER; the text around it now and then as text. */
    public static byte[] pem(List<byte[]> samples, RandomGenerator dice) {
        if (dice.nextInt(4) == 0) {
            return bytes(samples, dice);
        }
        String text = new String(any(samples, dice), StandardCharsets.US_ASCII);
        int from = text.indexOf("-----\n") + 6;
        int to = text.indexOf("-----END", from);
        byte[] der = Base64.getMimeDecoder().decode(text.substring(from, to));
        for (int changes = dice.nextInt(4); changes > 0; changes--) {
            der = dice.nextInt(4) == 0 ? change(der, List.of(der), dice) : element(der, 0, der.length, dice);
        }
        return (text.substring(0, from) + Base64.getMimeEncoder().encodeToString(der) + "\n"
                + text.substring(to)).getBytes(StandardCharsets.US_ASCII);
    }

    /** Changes the length or the tag of one of the elements, or leaves it out. The lengths around it stay, which is wrong too. */
    private static byte[] element(byte[] der, int from, int to, RandomGenerator dice) {
        int at = from;
        while (at + 2 <= to) {
            int first = der[at + 1] & 255;
            int header = first < 128 ? 2 : 2 + Math.min(4, first & 127);
            int length = first < 128 ? first : 0;
            for (int i = 2; first >= 128 && i < header && at + i < to; i++) {
                length = length << 8 | der[at + i] & 255;
            }
            int end = (int) Math.min(to, at + header + Math.max(0L, length));
            if (dice.nextInt(4) == 0) {
                return switch (dice.nextInt(4)) {
                    case 0 -> spliced(der, at, new byte[] {(byte) dice.nextInt(256)}, at + 1);
                    case 1 -> spliced(der, at, new byte[0], end);
                    default -> spliced(der, at + 1, length(EDGES[dice.nextInt(EDGES.length)], dice), Math.min(der.length, at + header));
                };
            }
            if ((der[at] & 0x20) != 0 && dice.nextBoolean() && end > at + header) { // within
                return element(der, at + header, end, dice);
            }
            at = Math.max(at + 2, end);
        }
        return der;
    }

    /** In as many bytes as it takes, or more. */
    private static byte[] length(int value, RandomGenerator dice) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int bytes = dice.nextInt(8) == 0 ? dice.nextInt(128) : 4;
        out.write(128 | bytes);
        for (int i = bytes - 1; i >= 0; i--) {
            out.write(i >= 4 ? 0 : value >> 8 * i);
        }
        return out.toByteArray();
    }
}
