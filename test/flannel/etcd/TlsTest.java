package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.lab.Etcd;
import flannel.lease.LeaseAttributes;
import flannel.lease.StoreEvent.Put;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.tls.OpenSsl;
import flannel.tls.Tls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and keys as openssl makes them, and an etcd that wants them. */
class TlsTest {

    private static final EtcdTimeouts QUICK =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(2));

    @TempDir
    private static Path folder;

    private static Etcd etcd;

    private static OpenSsl openssl;

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

    @BeforeAll
    static void start() throws Exception {
        assumeTrue(Etcd.isInstalled(), "etcd is not installed");
        openssl = new OpenSsl(folder);
        openssl.authority("ca");
        openssl.authority("other-ca");
        // etcd's gateway dials its own server with the server's certificate: it must do for a client too
        Files.writeString(folder.resolve("server.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
        Files.writeString(folder.resolve("client.ext"), "extendedKeyUsage=clientAuth\n");
        openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out server.key");
        sign("server", "/CN=server", "ca");
        openssl.run("genrsa -traditional -out rsa-pkcs1.key 2048");
        openssl.run("pkcs8 -topk8 -nocrypt -in rsa-pkcs1.key -out rsa-pkcs8.key");
        openssl.run("ecparam -genkey -name prime256v1 -out ec-sec1.key");
        openssl.run("pkcs8 -topk8 -nocrypt -in ec-sec1.key -out ec-pkcs8.key");
        openssl.run("ecparam -genkey -name secp384r1 -noout -out ec384-sec1.key");
        openssl.run("pkcs8 -topk8 -passout pass:x -in rsa-pkcs1.key -out encrypted.key");
        for (String key : List.of("rsa-pkcs1", "rsa-pkcs8", "ec-sec1", "ec-pkcs8", "ec384-sec1")) {
            Files.copy(folder.resolve("client.ext"), folder.resolve(key + ".ext"));
            sign(key, "/CN=client", "ca");
        }
        openssl.run("ecparam -genkey -name prime256v1 -out another.key");
        openssl.run("genrsa -out another-rsa.key 2048");
        openssl.run("req -new -key ec-sec1.key -out expired.csr -subj /CN=client");
        openssl.sign("expired", "ca", "-days -1");
        openssl.run("req -new -key server.key -out expired-server.csr -subj /CN=server");
        openssl.sign("expired-server", "ca", "-days -1 -extfile server.ext");
        Files.copy(folder.resolve("ec-sec1.key"), folder.resolve("stranger.key"));
        Files.copy(folder.resolve("client.ext"), folder.resolve("stranger.ext"));
        sign("stranger", "/CN=client", "other-ca");
        etcd = Etcd.start("--enable-v2", "--cert-file=" + path("server.crt"), "--key-file=" + path("server.key"),
                "--trusted-ca-file=" + path("ca.crt"), "--client-cert-auth");
    }

    private static void sign(String name, String subject, String authority) throws Exception {
        openssl.run("req -new -key " + name + ".key -out " + name + ".csr -subj " + subject);
        openssl.sign(name, authority, "-days 2 -extfile " + name + ".ext");
    }

    @AfterAll
    static void stop() {
        if (etcd != null) {
            etcd.close();
        }
    }

    private static String path(String file) {
        return file.isEmpty() || file.startsWith("/") ? file : folder.resolve(file).toString();
    }

    private LeaseRegistry open(String api, String endpoint, String ca, String certificate, String key) {
        return EtcdSubnetStore.registry(new EtcdOptions(List.of(endpoint), "/coreos.com/network", api, path(ca), path(certificate), path(key),
                "", ""), QUICK, new Log(new PrintStream(logged, true), 0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rsa-pkcs1", "rsa-pkcs8", "ec-sec1", "ec-pkcs8", "ec384-sec1"})
    void clientKeysOfAllForms(String name) throws Exception {
        for (String api : List.of("v2", "v3")) {
            try (LeaseRegistry registry = open(api, etcd.endpoint(), "ca.crt", name + ".crt", name + ".key")) {
                Snapshot snapshot = registry.list();
                try (Watching watch = new Watching(registry, snapshot.cursor())) {
                    registry.delete(registry.create(Ipv4Subnet.parse("10.1.5.0/24"),
                            new LeaseAttributes(Ipv4.parse("192.168.32.211"), "", null, ""), Duration.ofDays(1)));
                    assertTrue(watch.next() instanceof Put);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "https | other-ca.crt | ec-sec1.crt | ec-sec1.key | the server's certificate is not signed by a known authority (-etcd-cafile)",
        "https |              | ec-sec1.crt | ec-sec1.key | the server's certificate is not signed by a known authority (-etcd-cafile)",
        "https | ca.crt       |             |             | the server wants another client certificate (-etcd-certfile, -etcd-keyfile)",
        "https | ca.crt       | stranger.crt | stranger.key | the server wants another client certificate (-etcd-certfile, -etcd-keyfile)",
        "https | ca.crt       | expired.crt  | ec-sec1.key | the server wants another client certificate (-etcd-certfile, -etcd-keyfile)",
        "http  | ca.crt       | ec-sec1.crt | ec-sec1.key | the connection was closed without an answer (if this etcd wants TLS, name it https://)"})
    void whatDoesNotFitIsSaid(String scheme, String ca, String certificate, String key, String reason) throws Exception {
        String endpoint = etcd.endpoint().replace("https", scheme);
        try (LeaseRegistry registry = open("v3", endpoint, text(ca), text(certificate), text(key))) {
            StoreException e = assertThrows(StoreException.class, registry::list);
            assertTrue(e.getMessage().startsWith("etcd cluster is unavailable: " + endpoint + ": " + text(reason)), e.getMessage());
        }
        assertSurveyed(text(reason), endpoint, text(ca), text(certificate), text(key));
    }

    /** What {@code flanneld check} has of it. */
    private void assertSurveyed(String reason, String endpoint, String ca, String certificate, String key) throws Exception {
        EtcdSurvey survey = EtcdSurvey.of(new EtcdOptions(List.of(endpoint), "/coreos.com/network", "auto", path(ca), path(certificate), path(key), "", ""),
                new Log(new PrintStream(logged, true), 0));
        assertTrue(!survey.members().getFirst().trouble().isEmpty() && survey.stores().getLast().trouble().contains(reason), survey.toString());
    }

    private static String text(String cell) {
        return cell == null ? "" : cell;
    }

    /** The name in the certificate is not the one in the endpoint. */
    @Test
    void aCertificateOfAnotherNameIsSaid() throws Exception {
        String endpoint = etcd.endpoint().replace("127.0.0.1", "localhost");
        try (LeaseRegistry registry = open("v3", endpoint, "ca.crt", "ec-sec1.crt", "ec-sec1.key")) {
            StoreException e = assertThrows(StoreException.class, registry::list);
            assertTrue(e.getMessage().endsWith("the server's certificate is for another name: No name matching localhost found"
                    + " (name it as its certificate does)"), e.getMessage());
        }
        assertSurveyed("the server's certificate is for another name", endpoint, "ca.crt", "ec-sec1.crt", "ec-sec1.key");
    }

    @Test
    void anEtcdWithoutTlsIsSaid() {
        try (Etcd plain = Etcd.start("--enable-v2")) {
            String endpoint = plain.endpoint().replace("http", "https");
            try (LeaseRegistry registry = open("v3", endpoint, "ca.crt", "ec-sec1.crt", "ec-sec1.key")) {
                StoreException e = assertThrows(StoreException.class, registry::list);
                assertEquals("etcd cluster is unavailable: " + endpoint + ": the server ended the TLS handshake at once"
                        + " (if this etcd is without TLS, name it http://)", e.getMessage());
            }
        }
    }

    /** One whose certificate has expired, as any server of TLS shows it. */
    @Test
    void anExpiredServerIsSaid() throws Exception {
        try (ServerSocket server = Tls.read(new EtcdOptions(List.of("-"), "", "", "", path("expired-server.crt"), path("server.key"), "", "").tls(),
                new Log(new PrintStream(logged, true), 0)).context().getServerSocketFactory()
                .createServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                while (!server.isClosed()) {
                    try (Socket socket = server.accept()) {
                        socket.getInputStream().read();
                    } catch (IOException e) {
                        // the client hangs up
                    }
                }
            });
            try (LeaseRegistry registry = open("v3", "https://127.0.0.1:" + server.getLocalPort(), "ca.crt", "", "")) {
                StoreException e = assertThrows(StoreException.class, registry::list);
                assertTrue(e.getMessage().matches(".*: the server's certificate has expired \\(NotAfter: .*\\), or this host's clock is wrong"),
                        e.getMessage());
            }
            assertSurveyed("the server's certificate has expired", "https://127.0.0.1:" + server.getLocalPort(), "ca.crt", "", "");
        }
    }

    @Test
    void anExpiredCertificateOfOursIsWarnedOf() {
        open("v3", "https://127.0.0.1:1", "ca.crt", "expired.crt", "ec-sec1.key").close();
        assertTrue(logged.toString().contains("expired.crt (-etcd-certfile) has expired at 20"), logged.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "missing.crt | ec-sec1.crt   | ec-sec1.key     | -etcd-cafile: FOLDER/missing.crt does not exist",
        "ca.crt      | missing.crt   | ec-sec1.key     | -etcd-certfile: FOLDER/missing.crt does not exist",
        "ca.crt      | ec-sec1.key   | ec-sec1.crt     | -etcd-certfile: FOLDER/ec-sec1.key holds no PEM certificate, but a private key",
        "/dev/zero   | ec-sec1.crt   | ec-sec1.key     | -etcd-cafile: /dev/zero is a pipe, socket or device, not a file",
        "ca.crt      | ec-sec1.crt   |                 | -etcd-certfile and -etcd-keyfile are needed both",
        "ca.crt      | ec-sec1.crt   | ec-sec1.crt     | -etcd-keyfile: FOLDER/ec-sec1.crt holds no PEM private key, but a certificate",
        "ca.key      | ec-sec1.crt   | ec-sec1.key     | -etcd-cafile: FOLDER/ca.key holds no PEM certificate, but a private key",
        "ca.crt      | ec-sec1.crt   | encrypted.key   | encrypted.key is encrypted: flanneld needs it without a passphrase",
        "ca.crt      | ec-sec1.crt   | rsa-pkcs1.key   | FOLDER/rsa-pkcs1.key (-etcd-keyfile) does not belong to the certificate in FOLDER/ec-sec1.crt (-etcd-certfile)",
        "ca.crt      | ec-sec1.crt   | another.key     | FOLDER/another.key (-etcd-keyfile) does not belong to the certificate in FOLDER/ec-sec1.crt (-etcd-certfile)",
        "ca.crt      | rsa-pkcs1.crt | another-rsa.key | another-rsa.key (-etcd-keyfile) does not belong to the certificate"})
    void filesThatCantBeUsedAreSaidAtOnce(String ca, String certificate, String key, String reason) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> open("v3", "https://127.0.0.1:1", text(ca), text(certificate), text(key)));
        assertTrue(e.getMessage().contains(reason.replace("FOLDER", folder.toString())), e.getMessage());
    }

    @Test
    void certificatesAreReadAgainWhenTheyHaveChanged() throws Exception {
        copy("stranger", "rotated");
        try (LeaseRegistry registry = open("v3", etcd.endpoint(), "ca.crt", "rotated.crt", "rotated.key")) {
            assertThrows(StoreException.class, registry::list);
            copy("rsa-pkcs1", "rotated");
            Files.setLastModifiedTime(folder.resolve("rotated.crt"), FileTime.fromMillis(1_000_000));
            registry.list();
            Files.writeString(folder.resolve("rotated.crt"), "half a file");
            registry.list();
        }
        assertTrue(logged.toString().contains("etcd certificates read again"), logged.toString());
        assertTrue(logged.toString().contains("keeping the etcd certificates read before"), logged.toString());
    }

    private static void copy(String from, String to) throws IOException {
        for (String ending : List.of(".crt", ".key")) {
            Files.copy(folder.resolve(from + ending), folder.resolve(to + ending), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
