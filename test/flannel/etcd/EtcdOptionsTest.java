package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EtcdOptionsTest {

    private static final String SETTING = " (FLANNEL_ETCD_ENDPOINTS in /etc/sysconfig/flanneld, or -etcd-endpoints)";

    private static EtcdOptions options(String endpoints) {
        return new EtcdOptions(List.of(endpoints.split(",")), "/n", "auto", "", "", "", "", "");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "http://a:2379/, b:2379,,HTTPS://c/x/ | http://a:2379 http://b:2379 https://c/x",
        "https://a:2379,b:2379 | https://a:2379 https://b:2379",
        "a | http://a",
        "http://[::1]:2379 | http://[::1]:2379",
        "http://etcd_1:2379/p_q | http://etcd_1:2379/p_q"})
    void readsEndpointsInAllTheirForms(String text, String expected) {
        assertEquals(expected, String.join(" ", options(text).urls()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "http://h:port | http://h:port",
        "http://h:0 | http://h:0",
        "http://h:65536 | http://h:65536",
        "http://h_1:65536 | http://h_1:65536",
        "ftp://h | ftp://h",
        "http:///x | http:///x",
        "http://h?x=SECRET | http://h?…",
        "http://h#SECRET,SECRET | http://h?…",
        "http://h?x=SECRET y | http://h?…"})
    void saysWhatIsNoEndpoint(String text, String shown) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> options(text).urls());
        assertEquals("\"" + shown + "\" is not an etcd endpoint of the form http://host:port" + SETTING, e.getMessage());
    }

    /** Not even half of it, when a comma in it makes two endpoints. */
    @ParameterizedTest
    @ValueSource(strings = {"http://u:SECRET@h", "http://u:SECR,SECRETPW@h:2379", "http://SECRET@[::1]", "http://a,http://u:SECRET /@h"})
    void neverShowsAPassword(String text) {
        EtcdOptions options = options(text);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, options::urls);
        assertEquals("an etcd endpoint must not hold a user or password" + SETTING + ": use -etcd-username and -etcd-password-file",
                e.getMessage());
        assertFalse(options.toString().contains("SECR"), options.toString());
    }

    @Test
    void aNameWithAnUnderscoreCantHaveACertificate() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> options("https://etcd_1:2379").urls());
        assertTrue(e.getMessage().startsWith("the etcd endpoint \"https://etcd_1:2379\" can't be used with TLS"), e.getMessage());
    }

    /** Each host begins with another member, and goes on in the order given. */
    @Test
    void startsAnywhere() {
        Set<String> seen = new HashSet<>();
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            seen.add(String.join(" ", options("https://a,b,c").startingAnywhere(random).urls()));
        }
        assertEquals(Set.of("https://a https://b https://c", "https://b https://c https://a", "https://c https://a https://b"), seen);
    }

    @Test
    void aPasswordMayBeInAFile(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("password");
        EtcdOptions options = new EtcdOptions(List.of("http://h"), "/n", "v3", "", "", "", "user", "", file.toString(), Map.of());
        options.check();
        assertEquals("-etcd-password-file: " + file + " does not exist", assertThrows(IllegalArgumentException.class, options::password).getMessage());
        Files.writeString(file, "SECRET with blanks \n");
        assertEquals("SECRET with blanks ", options.below("blue").password());
        assertFalse(options.toString().contains("SECRET"));
        EtcdOptions both = new EtcdOptions(List.of("http://h"), "/n", "v3", "", "", "", "user", "SECRET", file.toString(), Map.of());
        assertEquals("-etcd-password (FLANNELD_ETCD_PASSWORD) and -etcd-password-file are given both: leave one out",
                assertThrows(IllegalArgumentException.class, both::check).getMessage());
    }
}
