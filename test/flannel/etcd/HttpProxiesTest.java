package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.HttpProxies;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpProxiesTest {

    private static final EtcdTimeouts QUICK =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(2));

    /** The table of Go's UseProxy tests (net/http/transport_internal, proxy_test.go of Go 1.8), and its order of variables. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "", value = {
        "HTTP_PROXY=http://p:3128 | http://etcd1:2379 | p:3128",
        "http_proxy=p:3128 | http://etcd1:2379 | p:3128",
        "http_proxy=p | http://etcd1:2379 | p:80",
        "http_proxy=https://p | http://etcd1:2379 | p:443",
        "HTTP_PROXY=large:1 http_proxy=small:1 | http://etcd1 | large:1",
        "https_proxy=s:1 http_proxy=p:1 | https://etcd1 | s:1",
        "https_proxy=s:1 | http://etcd1 | -",
        "http_proxy=p:1 | https://etcd1 | p:1",
        "http_proxy=p:1 | http://localhost:2379 | -",
        "http_proxy=p:1 | http://127.0.0.1:2379 | -",
        "http_proxy=p:1 | http://127.0.0.2:2379 | -",
        "http_proxy=p:1 | http://[::1]:2379 | -",
        "http_proxy=p:1 | http://[::2]:2379 | p:1",
        "http_proxy=p:1 | http://169.254.169.254/latest | -",
        "http_proxy=p:1 | http://[fe80::1]/latest | -",
        "http_proxy=p:1 no_proxy=* | http://etcd1 | -",
        "http_proxy=p:1 no_proxy=foobar.com,.barbaz.net | http://192.168.1.1 | p:1",
        "http_proxy=p:1 no_proxy=192.168.1.1 | http://192.168.1.1:2379 | -",
        "http_proxy=p:1 no_proxy=foobar.com,.barbaz.net | http://BARBAZ.net:80 | -",
        "http_proxy=p:1 no_proxy=foobar.com,.barbaz.net | http://www.barbaz.net | -",
        "http_proxy=p:1 no_proxy=foobar.com,.barbaz.net | http://foofoobar.com | p:1",
        "http_proxy=p:1 no_proxy=foobar.com,.barbaz.net | http://baz.com | p:1",
        "http_proxy=p:1 NO_PROXY=foobar.com:8080 | http://www.foobar.com | -",
        "http_proxy=p:1 no_proxy=10.0.0.0/8 | http://10.1.2.3:2379 | -",
        "http_proxy=p:1 no_proxy=10.0.0.0/8 | http://11.1.2.3:2379 | p:1"})
    void whatGoesThroughWhichProxy(String environment, String url, String expected) {
        Map<String, String> variables = new HashMap<>();
        for (String variable : environment.split(" ")) {
            variables.put(variable.substring(0, variable.indexOf('=')), variable.substring(variable.indexOf('=') + 1));
        }
        String name = new HttpProxies(variables).name(URI.create(url));
        assertEquals(expected, name.isEmpty() ? "-" : name);
    }

    @Test
    void whoeverIsNamedAsDirectIsAskedDirectly() {
        HttpProxies proxies = new HttpProxies(Map.of("http_proxy", "p:1"), Set.of("fd00:ec2::254", "metadata"));
        assertEquals("", proxies.name(URI.create("http://[fd00:ec2::254]/latest")));
        assertEquals("", proxies.name(URI.create("http://METADATA/latest")));
        assertEquals("p:1", proxies.name(URI.create("http://metadata.test/latest")));
    }

    @Test
    void aProxyThatMakesNoSenseIsSaidWhenItIsNeeded() {
        HttpProxies proxies = new HttpProxies(Map.of("http_proxy", "http://u:SECRET@:80:80"));
        new EtcdHttp(List.of("http://127.0.0.1:2379"), proxies, null, QUICK).close();
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> new EtcdHttp(List.of("http://etcd1:2379"), proxies, null, QUICK));
        assertEquals("the proxy in the environment variable HTTP_PROXY or http_proxy is not of the form http://host:port", e.getMessage());
    }

    @Test
    void requestsGoThroughTheProxyWithItsUser() throws Exception {
        AtomicReference<String> authorization = new AtomicReference<>();
        try (FakeEtcd proxy = new FakeEtcd(call -> {
            authorization.set(call.exchange().getRequestHeaders().getFirst("Proxy-Authorization"));
            call.json(200, "{}");
        })) {
            HttpProxies proxies = new HttpProxies(Map.of("http_proxy", proxy.endpoint().replace("http://", "http://u:pw@")));
            try (EtcdHttp http = new EtcdHttp(List.of("http://etcd1.invalid:2379"), proxies, null, QUICK)) {
                assertEquals(200, http.read(new EtcdHttp.Request("GET", "/x", null, null, List.of())).status());
            }
            assertEquals(List.of("GET http://etcd1.invalid:2379/x"), proxy.lines());
            assertEquals("Basic dTpwdw==", authorization.get());
        }
    }

    @Test
    void aProxyThatIsDeadIsNamed() {
        HttpProxies proxies = new HttpProxies(Map.of("http_proxy", "u:SECRET@127.0.0.1:9"));
        try (EtcdHttp http = new EtcdHttp(List.of("http://etcd1.invalid:2379"), proxies, null, QUICK)) {
            UnavailableException e = assertThrows(UnavailableException.class,
                    () -> http.read(new EtcdHttp.Request("GET", "/x", null, null, List.of())));
            assertTrue(e.getMessage().endsWith("connection refused (through the proxy 127.0.0.1:9)"), e.getMessage());
            assertFalse(e.getMessage().contains("SECRET"), e.getMessage());
        }
    }
}
