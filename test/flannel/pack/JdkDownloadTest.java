package flannel.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./build.sh} on a machine whose package manager has no JDK: it brings one, or says in one sentence why not, and leaves nothing. */
@Timeout(60)
class JdkDownloadTest {

    @TempDir
    private Path folder;

    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private HttpServer server;
    private String base;
    private int missing;

    @BeforeEach
    void start() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                byte[] body = files.get(exchange.getRequestURI().getPath());
                if (body == null) {
                    exchange.sendResponseHeaders(404, -1);
                    return;
                }
                exchange.sendResponseHeaders(200, body.length + missing);
                exchange.getResponseBody().write(body);
            } catch (IOException e) {
                // cut off, as was wished
            }
        });
        server.start();
        base = "http://127.0.0.1:" + server.getAddress().getPort();
        // build.sh without its last line, which would begin
        List<String> lines = Files.readAllLines(Path.of("build.sh"));
        assertEquals("main \"$@\"", lines.getLast());
        Files.write(folder.resolve("build.sh"), lines.subList(0, lines.size() - 1));
        Path jdk = Files.createDirectories(folder.resolve("source/jdk-25+1/bin")).getParent();
        Files.writeString(jdk.resolve("release"), "IMPLEMENTOR=\"nobody\"\nJAVA_VERSION=\"25.0.1\"\n");
        Files.writeString(jdk.resolve("bin/javac"), "#!/bin/sh\n").toFile().setExecutable(true);
        serve("/jdk.tar.gz", "source");
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void serve(String path, String source) throws IOException {
        Shell.run(folder, Map.of(), List.of("tar", "-czf", "archive", "-C", source, "jdk-25+1")).succeeded();
        files.put(path, Files.readAllBytes(folder.resolve("archive")));
    }

    private String sum() throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(files.get("/jdk.tar.gz")));
    }

    private Shell.Result bring(Map<String, String> variables) {
        Map<String, String> environment = new HashMap<>(Map.of("PATH", System.getenv("PATH")));
        environment.putAll(variables);
        List<String> command = new ArrayList<>(List.of("env", "-i"));
        environment.forEach((name, value) -> command.add(name + "=" + value));
        command.addAll(List.of("bash", "-c", "source ./build.sh; TEMURIN=" + base + "/assets/; bring_jdk; jdk_release build/jdk"));
        return Shell.run(folder, Map.of(), command);
    }

    private void assertBrought(Shell.Result result) throws IOException {
        assertEquals("25\n", result.succeeded(), result.errors());
        assertEquals(List.of("jdk"), built());
        assertTrue(Files.isExecutable(folder.resolve("build/jdk/bin/javac")));
    }

    private void assertRefused(Shell.Result result, String reason) throws IOException {
        assertEquals(1, result.status(), result.errors());
        String last = result.errors().lines().toList().getLast();
        assertTrue(last.startsWith("build.sh: ") && last.contains(reason), result.errors());
        assertEquals(1, result.errors().lines().filter(line -> !line.contains(", bringing ")).count(), result.errors());
        assertEquals(List.of(), built());
    }

    private List<String> built() throws IOException {
        try (Stream<Path> found = Files.list(folder.resolve("build"))) {
            return found.map(path -> path.getFileName().toString()).toList();
        }
    }

    @Test
    void whatThePublisherNamesIsBrought() throws Exception {
        String machine = Shell.run("uname", "-m").succeeded().strip();
        assumeTrue(List.of("x86_64", "aarch64").contains(machine), machine);
        files.put("/assets/" + machine.replace("x86_64", "x64"), """
                [{"binary": {"architecture": "x", "package": {
                    "checksum": "%s",
                    "checksum_link": "%s/jdk.tar.gz.sha256.txt",
                    "link": "%s/jdk.tar.gz",
                    "name": "jdk.tar.gz"}}, "release_link": "https://nowhere"}]
                """.formatted(sum(), base, base).getBytes(StandardCharsets.UTF_8));
        assertBrought(bring(Map.of()));
    }

    @Test
    void anotherPlaceIsNamed() throws Exception {
        String url = base + "/jdk.tar.gz";
        assertRefused(bring(Map.of("JDK_URL", url)), url + ".sha256.txt could not be downloaded: ");
        assertBrought(bring(Map.of("JDK_URL", url, "JDK_SHA256", sum())));
        files.put("/jdk.tar.gz.sha256.txt", (sum() + "  jdk.tar.gz\n").getBytes(StandardCharsets.UTF_8));
        assertBrought(bring(Map.of("JDK_URL", url)));
        assertBrought(bring(Map.of("JDK_URL", "http://jdk.invalid/jdk.tar.gz", "http_proxy", base)));
    }

    @Test
    void wgetDoesWhereThereIsNoCurl() throws Exception {
        assumeTrue(Shell.has("wget"), "wget is not installed");
        Path bin = Files.createDirectories(folder.resolve("bin"));
        for (String program : List.of("bash", "dirname", "env", "wget", "tar", "gzip", "sed", "sha256sum", "mkdir", "rm", "mv", "tail", "cut")) {
            Files.createSymbolicLink(bin.resolve(program), Path.of(Shell.run("sh", "-c", "command -v " + program).succeeded().strip()));
        }
        Map<String, String> wanted = Map.of("JDK_URL", base + "/jdk.tar.gz", "JDK_SHA256", sum(), "PATH", bin.toString());
        assertBrought(bring(wanted));
        Shell.run(folder, Map.of(), List.of("rm", "-r", "build")).succeeded();
        missing = 10;
        assertRefused(bring(wanted), "could not be downloaded");
    }

    @Test
    void whatIsWrongIsSaidInOneSentenceAndNothingIsLeft() throws Exception {
        String url = base + "/jdk.tar.gz";
        String sum = sum();
        assertRefused(bring(Map.of("JDK_URL", url, "JDK_SHA256", "0".repeat(64))),
                "what came from " + url + " is not what was published: its SHA-256 is not " + "0".repeat(64) + " but " + sum);
        assertRefused(bring(Map.of("JDK_URL", url, "JDK_SHA256", "<html>")), "no SHA-256 is published for " + url);
        missing = 10;
        assertRefused(bring(Map.of("JDK_URL", url, "JDK_SHA256", sum)), url + " could not be downloaded: ");
        missing = 0;
        files.put("/jdk.tar.gz", "no archive".getBytes(StandardCharsets.UTF_8));
        assertRefused(bring(Map.of("JDK_URL", url, "JDK_SHA256", sum())), "can't be unpacked");
        Files.writeString(folder.resolve("source/jdk-25+1/release"), "JAVA_VERSION=\"17.0.1\"\n");
        serve("/jdk.tar.gz", "source");
        assertRefused(bring(Map.of("JDK_URL", url, "JDK_SHA256", sum())), "is no JDK of release 22 or newer");
        server.stop(0);
        assertRefused(bring(Map.of()), "could not be downloaded: curl: (7)");
    }
}
