package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is asked of the programs of old and new distributions. */
class IptablesProgramsTest {

    private static final String TEXT = "*filter\n:FLANNEL-FWD - [0:0]\nCOMMIT\n";

    @TempDir
    Path directory;

    private StandInPrograms standIns;
    private IptablesPrograms programs;

    @BeforeEach
    void installed() throws IOException {
        standIns = new StandInPrograms(directory);
        programs = new IptablesPrograms(directory);
    }

    private String taken() throws IOException {
        return Files.readString(directory.resolve("taken"));
    }

    @Test
    void theLockIsWaitedForWhateverTheVersion() throws Exception {
        standIns.restore("cat >> " + directory.resolve("taken"));
        programs.restore(TEXT);
        assertEquals(List.of("iptables-restore --noflush --wait=5"), standIns.calls());
        assertEquals(TEXT, taken());
    }

    /** getopt's words; some versions give up, others grumble and go on (exit code 0): then the work is done, and must not be done twice. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aProgramThatDoesNotKnowTheOptionIsAskedWithoutItFromThenOn(int exitCode) throws Exception {
        standIns.restore("case $* in *--wait*) echo \"iptables-restore: unrecognized option '--wait=5'\" >&2; [ " + exitCode
                + " = 0 ] || exit 1;; esac; cat >> " + directory.resolve("taken"));
        programs.restore(TEXT);
        programs.restore(TEXT);
        List<String> calls = standIns.calls();
        assertEquals("iptables-restore --noflush --wait=5", calls.getFirst());
        assertEquals(exitCode == 0 ? 2 : 3, calls.size());
        assertEquals(calls.size() - 1, calls.stream().filter("iptables-restore --noflush"::equals).count());
        assertEquals(TEXT + TEXT, taken(), "once each");
    }

    @Test
    void anyOtherFailureIsOneAndSaysWhatTheProgramSaid() throws Exception {
        standIns.restore("echo 'iptables-restore: line 2 failed'; exit 1");
        String said = assertThrows(IOException.class, () -> programs.restore(TEXT)).getMessage();
        assertTrue(said.endsWith("iptables-restore --noflush --wait=5 ended with 1: iptables-restore: line 2 failed"), said);
        assertEquals(1, standIns.calls().size());
    }
}
