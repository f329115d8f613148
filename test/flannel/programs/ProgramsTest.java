package flannel.programs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgramsTest {

    @TempDir
    private Path folder;

    private void program(String name, String script) throws IOException {
        assertTrue(Files.writeString(folder.resolve(name), "#!/bin/sh\n" + script + "\n").toFile().setExecutable(true));
    }

    @BeforeEach
    void install() throws IOException {
        program("well", "echo out; echo err >&2");
        program("ends", "echo out; echo err >&2; exit 3");
        program("fails", "exit 4");
        program("stays", "echo begun; sleep 600");
        program("floods", "head -c 3000000 /dev/zero | tr '\\0' x; echo end");
        program("never", "exec yes");
    }

    @Test
    void programsAreMissingFailOrHaveNoEnd() throws Exception {
        Programs programs = new Programs(List.of(folder), Duration.ofSeconds(1));
        assertEquals("out\nerr\n", programs.report(List.of("well")));
        assertEquals("out\nerr\n(ends now ended with status 3)\n", programs.report(List.of("ends", "now")));
        assertEquals("fails ended with status 4", assertThrows(IOException.class, () -> programs.report(List.of("fails"))).getMessage());
        assertEquals("there is no program sh here", assertThrows(IOException.class, () -> programs.report(List.of("sh"))).getMessage());
        assertEquals("begun\n(stays took longer than 1 s, or has no end)\n", programs.report(List.of("stays")));
        String flood = programs.report(List.of("floods"));
        assertTrue(flood.startsWith("(the first ") && flood.endsWith("xend\n") && flood.length() < (1 << 20) + 100, flood.substring(0, 60));
    }

    @Test
    void onlyAWholeAnswerIsOne() throws Exception {
        Programs programs = new Programs(List.of(folder), Duration.ofSeconds(1));
        assertEquals("out\n", programs.answer("well"));
        for (String none : List.of("ends", "stays", "never", "sh")) {
            assertEquals("", programs.answer(none), none);
        }
    }

    @Test
    void aProcessTellsHowItWasStarted() {
        Path own = Path.of("/proc/self");
        assertTrue(Processes.commandLine(own).getFirst().endsWith("java"));
        assertTrue(Processes.environment(own).stream().anyMatch(variable -> variable.startsWith("PATH=")));
        assertEquals(List.of(""), Processes.commandLine(folder));
    }
}
