package flannel.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Something that reads what comes from outside, and may refuse it in the ways that it documents, and in no other.
 *
 * @param samples    good input, and what was bad once
 * @param documented what it throws at bad input: these classes themselves, no subclass, for NumberFormatException is no sentence
 */
public record Target(String name, List<byte[]> samples, Mutator mutator, Set<Class<? extends Exception>> documented, Reader reader) {

    /** Makes input out of samples. */
    public interface Mutator {
        byte[] mutate(List<byte[]> samples, RandomGenerator dice);
    }

    /** Reads input; what it reads wrongly is an AssertionError. */
    public interface Reader {
        void read(byte[] input, RandomGenerator dice) throws Exception;
    }

    public static List<byte[]> texts(String... samples) {
        return List.of(samples).stream().map(sample -> sample.getBytes(StandardCharsets.UTF_8)).toList();
    }

    /** A folder with nothing in it, in memory if there is such a place, which is gone at the end with the files of those names in it. */
    public static Path folder(String... names) {
        try {
            Path shared = Path.of("/dev/shm");
            Path folder = Files.isWritable(shared) ? Files.createTempDirectory(shared, "flt-fuzz") : Files.createTempDirectory("flt-fuzz");
            folder.toFile().deleteOnExit();
            for (String name : names) {
                folder.resolve(name).toFile().deleteOnExit();
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As a file is read: what is no UTF-8 becomes U+FFFD. */
    public static String text(byte[] input) {
        return new String(input, StandardCharsets.UTF_8);
    }

    /** Of what is written and read again: it must be what it was. */
    public static void same(Object expected, Object actual) {
        if (!expected.equals(actual)) {
            throw new AssertionError("written and read again, " + expected + " became " + actual);
        }
    }
}
