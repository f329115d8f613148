package flannel.backend.cloud;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProxiesTest {

    private static final Map<String, String> ENVIRONMENT = Map.of("HTTPS_PROXY", "http://secure:3128", "http_proxy", "plain:8080/",
            "NO_PROXY", "10.0.0.1, .corp.test,*.lab.test,exact.test:444");

    private static String proxyFor(String uri) {
        var proxy = Proxies.of(ENVIRONMENT, Set.of("direct.test")).proxyFor(URI.create(uri));
        return proxy == null ? "none" : proxy.getHostString() + ":" + proxy.getPort();
    }

    @ParameterizedTest
    @CsvSource({
        "https://ec2.us-east-1.amazonaws.com/, secure:3128",
        "http://ec2.us-east-1.amazonaws.com/, plain:8080",
        "http://169.254.169.254/latest, none",
        "http://169.254.170.2/x, none",
        "http://[fd00:ec2::254]/latest, none",
        "http://metadata.google.internal/x, none",
        "https://127.0.0.1:8443/, none",
        "https://localhost/, none",
        "https://direct.test/, none",
        "https://10.0.0.1/, none",
        "https://10.0.0.11/, secure:3128",
        "https://ec2.corp.test/, none",
        "https://EC2.LAB.test/, none",
        "https://notcorp.test/, secure:3128",
        "https://exact.test:444/, none",
        "https://exact.test/, secure:3128"
    })
    void theEnvironmentDecides(String uri, String proxy) {
        assertEquals(proxy, proxyFor(uri));
    }

    @Test
    void withoutVariablesOrWithAStarThereIsNone() {
        URI uri = URI.create("https://ec2.us-east-1.amazonaws.com/");
        assertNull(Proxies.of(Map.of(), Set.of()).proxyFor(uri));
        assertNull(Proxies.of(Map.of("https_proxy", "http://p:1", "no_proxy", "*"), Set.of()).proxyFor(uri));
    }

    @ParameterizedTest
    @ValueSource(strings = {"socks5://p:1", "http://", "http://user:secret word@p", "https://secret@p:1"})
    void whatIsNoProxyIsNamedByItsVariable(String value) {
        String message = assertThrows(IllegalArgumentException.class, () -> Proxies.of(Map.of("HTTPS_PROXY", value), Set.of())).getMessage();
        assertEquals("the environment's HTTPS_PROXY is not of the form http://host:port", message);
        assertFalse(message.contains("secret"));
    }
}
