package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import flannel.backend.cloud.CloudHttp;
import flannel.backend.cloud.Http;
import flannel.tls.OpenSsl;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server whose certificate only AWS_CA_BUNDLE vouches for. */
class CaBundleTest {

    @TempDir
    private Path folder;

    private HttpsServer server;
    private URI uri;

    @BeforeEach
    void serve() throws Exception {
        OpenSsl openssl = new OpenSsl(folder);
        openssl.authority("server", " -addext subjectAltName=IP:127.0.0.1");
        openssl.authority("other");
        openssl.run("pkcs12 -export -inkey server.key -in server.crt -passout pass:test -out server.p12");
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve("server.p12"))) {
            store.load(in, "test".toCharArray());
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, "test".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        server.start();
        uri = URI.create("https://127.0.0.1:" + server.getAddress().getPort() + "/");
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.stop(0);
        }
    }

    private int statusWith(String bundle) throws Exception {
        try (CloudHttp http = new CloudHttp(Map.of(), Set.of(), AwsVpc.trust(Map.of("AWS_CA_BUNDLE", folder.resolve(bundle).toString())))) {
            return http.send(Http.Request.get(uri, Map.of(), Duration.ofSeconds(30))).status();
        }
    }

    @Test
    void theBundlesAuthoritiesCountAndNoOthers() throws Exception {
        Files.writeString(folder.resolve("bundle.pem"), Files.readString(folder.resolve("other.crt")) + Files.readString(folder.resolve("server.crt")));
        assertEquals(204, statusWith("bundle.pem"));
        IOException e = assertThrows(IOException.class, () -> statusWith("other.crt"));
        assertTrue(e.getMessage().endsWith("its certificate is not signed by a known authority"), e.getMessage());
        assertNull(AwsVpc.trust(Map.of()), "the JDK's");
    }

    @Test
    void aFileThatIsNoBundleIsNamed() throws Exception {
        Files.writeString(folder.resolve("empty.pem"), "");
        Files.writeString(folder.resolve("text.pem"), "no certificate");
        for (String file : List.of("missing.pem", "empty.pem", "text.pem")) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> statusWith(file));
            assertTrue(e.getMessage().startsWith("AWS_CA_BUNDLE " + folder.resolve(file) + " can't be used: "), e.getMessage());
        }
    }
}
