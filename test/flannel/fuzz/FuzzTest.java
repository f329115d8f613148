package flannel.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;

import flannel.json.JsonValue;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Fuzzing in short: {@code ./build.sh test-fuzz} is the long form, by which a seed that failed is played again. */
class FuzzTest {

    private static final int SECONDS = 12;

    /** One that stays, and one of the day. */
    static LongStream seeds() {
        return LongStream.of(1, LocalDate.now().toEpochDay() * 1_000_000);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void nothingDoesWhatItDoesNotDocument(long seed) throws Exception {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m", "-Xss256k", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:-OmitStackTraceInFastThrow",
                "--enable-native-access=ALL-UNNAMED", "-cp", folder(JsonValue.class) + ":" + folder(FuzzLab.class), FuzzLab.class.getName(),
                "--seconds", Integer.toString(SECONDS), "--seed", Long.toString(seed)).redirectErrorStream(true).start();
        try {
            String said = process.inputReader().lines().collect(Collectors.joining("\n"));
            assertEquals(0, process.waitFor(), said);
        } finally {
            process.destroyForcibly();
        }
    }

    private static Path folder(Class<?> type) throws Exception {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
