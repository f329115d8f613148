package flannel.lab.faults;

import flannel.lab.Needs;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The fault lab in short: {@code ./build.sh test-faults} is the long form. A seed that failed is played again by {@code --seed}. */
class FaultsTest {

    private static final int MOST_HOSTS = 4;
    private static final int FAULTS = 40;
    private static final double LONGEST_SECONDS = 1.5;
    private static final int SECONDS = 28;

    /** Of vxlan and of host-gw, so that a run can be told from the one before; other seeds are for the long form. */
    static LongStream seeds() {
        return LongStream.of(16, 20_782);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void heals(long seed) throws Exception {
        Needs.programs();
        new FaultRun(seed, MOST_HOSTS, "", Pattern.compile(""), new Table()).play(FAULTS, LONGEST_SECONDS,
                System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS));
    }
}
