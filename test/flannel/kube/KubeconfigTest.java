package flannel.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What leads to an API server: kubeconfigs as kubectl and people write them, a pod's environment, a URL. */
class KubeconfigTest {

    private static final String KUBECONFIG = """
            # written by kubeadm
            apiVersion: v1
            kind: Config
            clusters:
            - cluster:
                certificate-authority-data: Y2E=   # base64
                server: "https://10.0.0.1:6443/"
              name: one
            - name: 'it''s two'
              cluster: {"server": "http://10.0.0.2:8080"}
            contexts:
              - context:
                  cluster: one
                  user: flannel
                name: flannel@one
            current-context: flannel@one
            preferences: {}
            users:
            - name: flannel
              user:
                client-certificate: pki/flannel.crt
                client-key: /etc/flannel.key
                tokenFile: token
            """;

    @TempDir
    private Path folder;

    private ApiAccess read(String text, String apiUrl) throws Exception {
        return Kubeconfig.read(Files.writeString(folder.resolve("config"), text), apiUrl);
    }

    @Test
    void theCurrentContextCounts() throws Exception {
        ApiAccess access = read(KUBECONFIG, "");
        assertEquals("https://10.0.0.1:6443", access.server().toString());
        assertEquals("ca", access.ca().pem());
        assertEquals(folder.resolve("pki/flannel.crt"), access.certificate().file());
        assertEquals(Path.of("/etc/flannel.key"), access.key().file());
        Files.writeString(folder.resolve("token"), "abc\n");
        assertEquals("abc", access.token().value());
        assertEquals("https://other:443", read(KUBECONFIG, "https://other:443").server().toString());
        assertFalse(read(KUBECONFIG.replace("tokenFile: token", "token: hidden"), "").token().toString().contains("hidden"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "tokenFile: token | exec: {\"command\": \"aws\"} | does not do what \"exec\" of its user asks for",
        "server: \"https://10.0.0.1:6443/\" | insecure-skip-tls-verify: true | insecure-skip-tls-verify lets anybody be the API server",
        "server: \"https://10.0.0.1:6443/\" | server: ftp://x | server: \"ftp://x\" is not an API server",
        "current-context: flannel@one | current-context: other | its current-context, \"other\", is not among its contexts",
        "current-context: flannel@one | x: y | it has no current-context",
        "client-key: /etc/flannel.key | x-key: 1 | \"x-key\"",
        "preferences: {} | preferences: &a {} | line 17 begins a value with '&'",
        "preferences: {} | kind: Config | line 17 says \"kind\" a second time",
        "cluster: one | cluster one | is neither \"name: value\" nor an element of a list"})
    void whatIsNotUnderstoodIsRefusedInOneSentence(String before, String after, String reason) {
        assertTrue(KUBECONFIG.contains(before));
        String said = assertThrows(IllegalArgumentException.class, () -> read(KUBECONFIG.replace(before, after), "")).getMessage();
        assertTrue(said.startsWith("-kubeconfig-file: " + folder.resolve("config") + ": ") && said.contains(reason), said);
    }

    @Test
    void oneThatIsNotThereIsNamed() {
        assertEquals("-kubeconfig-file: " + folder.resolve("none") + " does not exist",
                assertThrows(IllegalArgumentException.class, () -> Kubeconfig.read(folder.resolve("none"), "")).getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '!', value = {
        "a: 1 # x!{\"a\":\"1\"}", "a:\\n- b\\n- c: d\\n  e: f\\n- - g!{\"a\":[\"b\",{\"c\":\"d\",\"e\":\"f\"},[\"g\"]]}",
        "---\\na:\\nb: ~\\nc: \"x: y\"!{\"a\":null,\"b\":null,\"c\":\"x: y\"}", "a: |\\n  one\\n\\n  two\\nb: c!{\"a\":\"one\\n\\ntwo\\n\",\"b\":\"c\"}",
        "url: http://x:1/#y!{\"url\":\"http://x:1/#y\"}", "{\"a\": [1]}!{\"a\":[1]}", "!null"})
    void yaml(String text, String json) throws Exception {
        assertEquals(JsonValue.parse(json), Yaml.parse((text == null ? "" : text).replace("\\n", "\n")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a: b: c\n d: e", "a: >\n  x", "\ta: b", "a: *b", "a: !t b", "a", "a: b\n---\nc: d", "a: 'b", "a: \"b\" c", "a: |2\n  x", "? a", ": a"})
    void yamlThatIsNotUnderstood(String text) {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Yaml.parse(text)).getMessage().startsWith("line "));
    }

    @Test
    void aPodFindsItsServer() throws Exception {
        Files.writeString(folder.resolve("token"), "t");
        Files.writeString(folder.resolve("ca.crt"), "c");
        KubeOptions none = KubeOptions.none();
        KubeOptions pod = new KubeOptions(true, "", "", none.netConfig(), none.annotationPrefix(), true,
                Map.of("KUBERNETES_SERVICE_HOST", "fd00::1", "KUBERNETES_SERVICE_PORT", "443"));
        ApiAccess access = ApiAccess.of(pod, folder);
        assertEquals("https://[fd00::1]:443", access.server().toString());
        assertEquals("t", access.token().value());
        assertEquals(folder.resolve("ca.crt"), access.ca().file());
        String reason = assertThrows(IllegalArgumentException.class, () -> ApiAccess.of(none, folder)).getMessage();
        assertTrue(reason.startsWith("unable to initialize inclusterconfig: "), reason);
        KubeOptions url = new KubeOptions(true, "http://10.0.0.1:8080", "", none.netConfig(), none.annotationPrefix(), true, Map.of());
        assertEquals("", ApiAccess.of(url, folder).token().value(), "which is not sent without TLS");
    }

    @Test
    void annotationsHaveAPrefix() {
        assertEquals("flannel.alpha.coreos.com/public-ip", Annotations.of("flannel.alpha.coreos.com").publicIp());
        assertEquals("a.b/c-public-ip", Annotations.of("a.b/c").publicIp());
        for (String wrong : new String[] {"flannel", "a.b/c/d", "A.b", ""}) {
            assertThrows(IllegalArgumentException.class, () -> Annotations.of(wrong));
        }
    }
}
