package flannel.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the built program says at once where the surroundings are not what it needs, as a process of its own. */
class FirstWordsTest {

    private static final boolean IS_ROOT = System.getProperty("user.name").equals("root");

    private static Shell.Result flanneld(Map<String, String> environment, List<String> wrapper, String... options) {
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(List.of("timeout", "20", "build/flanneld", "-etcd-endpoints=http://127.0.0.1:1"));
        command.addAll(List.of(options));
        return Shell.run(Path.of("."), environment, command);
    }

    @Test
    void withoutRootsPrivilegesItDoesNotBegin() {
        assumeTrue(!IS_ROOT || Shell.has("setpriv"), "root's privileges are taken away by setpriv");
        Shell.Result result = flanneld(Map.of(), IS_ROOT ? List.of("unshare", "--net", "setpriv", "--bounding-set=-net_admin",
                "--inh-caps=-net_admin") : List.of());
        assertEquals(2, result.status(), result.errors());
        assertTrue(result.errors().matches("E.*has to be root, or to have CAP_NET_ADMIN.*\n"), result.errors());
    }

    @Test
    void aPathThatTheLocaleHasNoLettersForIsRefusedInOneLine() {
        Shell.Result result = flanneld(Map.of("LC_ALL", "C"), List.of("env"), "-state-dir=/tmp/é");
        assertEquals(2, result.status(), result.errors());
        assertTrue(result.errors().matches("invalid value \"/tmp/.*\" for flag -state-dir: .*LC_ALL.*\n"), result.errors());
    }

    @Test
    void aDashOfTypesettingIsKnownInEveryLocale() {
        for (String locale : List.of("C", "C.UTF-8")) {
            Shell.Result result = flanneld(Map.of("LC_ALL", locale), List.of(), "–iface=eth0");
            assertEquals(2, result.status(), result.errors());
            assertTrue(result.errors().contains("write -iface=eth0"), result.errors());
        }
    }
}
