package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** subnet.env, which Docker's start hangs on: removed, changed, and where it can't be written. */
class SubnetEnvTest {

    private static Lab lab;
    private static Host one;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        one = lab.host(1);
    }

    @BeforeEach
    void config() {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}");
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void comesBack() throws Exception {
        lab.startAll(one);
        Path file = one.file("/run/flannel/subnet.env");
        String text = Files.readString(file);
        Lab.deleteTree(file.getParent());
        Await.that("it is back", () -> Files.exists(file));
        assertEquals(text, Files.readString(file));
    }

    @ParameterizedTest(name = "mount {0}")
    @CsvSource(delimiter = '|', value = {"-o ro | -o remount,rw | Read-only", "-o size=4k | -o remount,size=1m | No space"})
    void readyWaitsForIt(String trouble, String remedy, String reason) throws Exception {
        one.startAfter("mount -t tmpfs " + trouble + " tmpfs /run && { [ -w /run ] && head -c 4096 /dev/zero > /run/filler; true; }", lab.options());
        one.daemon().awaitTold("STATUS=.*subnet file.*" + reason);
        assertFalse(one.daemon().told().contains("READY=1"));
        String pid = Long.toString(one.daemon().pid());
        one.run(("nsenter -t " + pid + " -m mount " + remedy + " /run").split(" "));
        one.daemon().awaitReady();
        String file = one.run("nsenter", "-t", pid, "-m", "cat", "/run/flannel/subnet.env");
        Await.that("the trouble is over", () -> !one.daemon().told().getLast().contains("subnet file"));
        assertEquals(List.of("FLANNEL_NETWORK=10.1.0.0/16"), file.lines().limit(1).toList());
    }
}
