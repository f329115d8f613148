package flannel.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A real etcd for a test: one member, its data in a directory of its own that goes away with it. What a killed test left behind is removed
 * when the next one starts. The put helpers speak HTTP from this process; {@link #etcdctl} also reaches an etcd inside a network namespace.
 */
public final class Etcd implements AutoCloseable {

    private static final String DIRECTORY_PREFIX = "flt-etcd-";

    private final List<String> commandPrefix;
    private final String address;
    private final int clientPort;
    private final int peerPort;
    private final Path directory;
    private final List<String> flags;
    private final String scheme;
    private Process process;
    private final Deque<String> output = new ArrayDeque<>();

    private Etcd(List<String> commandPrefix, String address, int clientPort, int peerPort, List<String> flags) {
        this.commandPrefix = commandPrefix;
        this.address = address;
        this.clientPort = clientPort;
        this.peerPort = peerPort;
        this.flags = flags;
        this.scheme = flags.stream().anyMatch(flag -> flag.startsWith("--cert-file"))
                && flags.stream().noneMatch(flag -> flag.startsWith("--listen-client-urls=http:")) ? "https" : "http";
        removeLeftovers();
        try {
            this.directory = Files.createTempDirectory(DIRECTORY_PREFIX + ProcessHandle.current().pid() + "-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** True when the program is on the PATH: what a test's assumption asks. */
    public static boolean isInstalled() {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, "etcd")));
    }

    /** Starts one on 127.0.0.1 with free ports and waits until it serves. */
    public static Etcd start(String... flags) {
        Etcd etcd = new Etcd(List.of(), "127.0.0.1", freePort(), freePort(), List.of(flags));
        etcd.start();
        return etcd;
    }

    /** Starts one inside a network namespace (one of {@code ip netns}) on the given address and the ports 2379 and 2380. */
    public static Etcd startIn(String namespace, String address, String... flags) {
        Etcd etcd = new Etcd(List.of("ip", "netns", "exec", namespace), address, 2379, 2380, List.of(flags));
        etcd.start();
        return etcd;
    }

    /** URL that clients use, as {@code http://127.0.0.1:40123}. */
    public String endpoint() {
        return scheme + "://" + address + ":" + clientPort;
    }

    /** Where it keeps its data; a test may keep certificates here too. */
    public Path directory() {
        return directory;
    }

    /** Starts the stopped process again on the same data and ports, and waits until it serves. */
    public void start() {
        String peerUrl = "http://" + address + ":" + peerPort;
        List<String> command = new ArrayList<>(commandPrefix);
        command.addAll(List.of("etcd", "--name=m", "--data-dir=" + directory.resolve("data"),
                "--listen-client-urls=" + endpoint(), "--advertise-client-urls=" + endpoint(),
                "--listen-peer-urls=" + peerUrl, "--initial-advertise-peer-urls=" + peerUrl, "--initial-cluster=m=" + peerUrl));
        // one member has nobody to wait for: quick elections make quick restarts
        command.addAll(List.of("--heartbeat-interval=20", "--election-timeout=200"));
        command.addAll(flags);
        CountDownLatch ended = new CountDownLatch(1);
        CountDownLatch ready = new CountDownLatch(1);
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
            // namespace exec does not fork, so this is etcd's own process id
            Files.writeString(directory.resolve("pid"), Long.toString(process.pid()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        BufferedReader reader = process.inputReader();
        Thread.ofVirtual().start(() -> {
            try {
                for (String line; (line = reader.readLine()) != null;) {
                    remember(line);
                    if (line.contains("ready to serve client requests") || line.contains("proxy started listening")) {
                        ready.countDown();
                    }
                }
            } catch (IOException e) {
                remember(e.toString());
            }
            ended.countDown();
            ready.countDown();
        });
        await(ready);
        if (ended.getCount() == 0) {
            throw new IllegalStateException("etcd did not start:\n" + output());
        }
    }

    private void remember(String line) {
        synchronized (output) {
            output.add(line);
            if (output.size() > 50) {
                output.remove();
            }
        }
    }

    /** The last lines it wrote. */
    public String output() {
        synchronized (output) {
            return String.join("\n", output);
        }
    }

    private void await(CountDownLatch latch) {
        try {
            if (!latch.await(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("etcd was not ready within a minute:\n" + output());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Ends it with SIGTERM; {@link #start()} starts it again on the same data. */
    public void stop() {
        thaw();
        process.destroy();
        waitForEnd();
    }

    /** Ends it with SIGKILL. */
    public void kill() {
        process.destroyForcibly();
        waitForEnd();
    }

    public void restart() {
        stop();
        start();
    }

    /** Removes the data of a stopped etcd: the next start is an empty store at the same address. */
    public void wipe() {
        delete(directory.resolve("data"));
    }

    /** Copies the data of a stopped etcd, for {@link #restore}. */
    public void backUp() {
        run(List.of("cp", "-a", directory.resolve("data").toString(), directory.resolve("backup").toString()), Map.of());
    }

    /** Puts a stopped etcd's data back as they were at {@link #backUp}: the same cluster, at an older revision. */
    public void restore() {
        wipe();
        run(List.of("mv", directory.resolve("backup").toString(), directory.resolve("data").toString()), Map.of());
    }

    /** SIGSTOP: connections are accepted by the kernel, and nobody answers. */
    public void freeze() {
        run(List.of("kill", "-STOP", Long.toString(process.pid())), Map.of());
    }

    /** SIGCONT: ends {@link #freeze()}. */
    public void thaw() {
        if (process.isAlive()) {
            run(List.of("kill", "-CONT", Long.toString(process.pid())), Map.of());
        }
    }

    private void waitForEnd() {
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sets a key in the v2 store; returns etcd's answer. */
    public String putV2(String key, String value) {
        return request("PUT", "/v2/keys" + key, "application/x-www-form-urlencoded", "value=" + encode(value));
    }

    /** Sets a key that expires, in the v2 store. */
    public String putV2(String key, String value, int ttlSeconds) {
        return request("PUT", "/v2/keys" + key, "application/x-www-form-urlencoded", "value=" + encode(value) + "&ttl=" + ttlSeconds);
    }

    public String getV2(String key) {
        return request("GET", "/v2/keys" + key, null, null);
    }

    /** Deletes a key, or with {@code ?recursive=true} behind it a directory, from the v2 store. */
    public String deleteV2(String key) {
        return request("DELETE", "/v2/keys" + key, null, null);
    }

    /** Sets a key in the v3 store; returns etcd's answer. */
    public String putV3(String key, String value) {
        return callV3("/kv/put", "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\"}");
    }

    /** Sets a key that hangs on an etcd lease, in the v3 store. */
    public String putV3(String key, String value, long etcdLease) {
        return callV3("/kv/put", "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\",\"lease\":\"" + etcdLease + "\"}");
    }

    public String getV3(String key) {
        return callV3("/kv/range", "{\"key\":\"" + base64(key) + "\"}");
    }

    public String deleteV3(String key) {
        return callV3("/kv/deleterange", "{\"key\":\"" + base64(key) + "\"}");
    }

    /** Posts JSON to the v3 gateway, as {@code callV3("/lease/grant", "{\"TTL\":60,\"ID\":7}")}. */
    public String callV3(String path, String json) {
        return request("POST", "/v3" + path, "application/json", json);
    }

    /** Runs etcdctl against this etcd, inside its namespace; {@code api} is "2" or "3". Returns what it printed. */
    public String etcdctl(String api, String... arguments) {
        List<String> command = new ArrayList<>(commandPrefix);
        command.addAll(List.of("etcdctl", "--endpoints=" + endpoint()));
        command.addAll(List.of(arguments));
        return run(command, Map.of("ETCDCTL_API", api));
    }

    /** One plain HTTP request; the body of the answer, whatever its status. */
    public String request(String method, String path, String contentType, String body) {
        try {
            HttpURLConnection connection = (HttpURLConnection) URI.create(endpoint() + path).toURL().openConnection();
            connection.setRequestMethod(method);
            connection.setConnectTimeout(10_000);
            connection.setReadTimeout(10_000);
            if (body != null) {
                connection.setDoOutput(true);
                connection.setRequestProperty("Content-Type", contentType);
                try (OutputStream out = connection.getOutputStream()) {
                    out.write(body.getBytes(StandardCharsets.UTF_8));
                }
            }
            try (InputStream in = connection.getResponseCode() < 400 ? connection.getInputStream() : connection.getErrorStream()) {
                return in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String run(List<String> command, Map<String, String> environment) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().putAll(environment);
            Process child = builder.start();
            String text = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int status = child.waitFor();
            if (status != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": exit status " + status + ": " + text);
            }
            return text;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends it and removes its directory. */
    @Override
    public void close() {
        if (process != null) {
            kill();
        }
        delete(directory);
    }

    /** Kills the etcds and removes the directories of test processes that are gone. */
    private static void removeLeftovers() {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(temporary, DIRECTORY_PREFIX + "*")) {
            for (Path folder : folders) {
                long owner = Long.parseLong(folder.getFileName().toString().split("-")[2]);
                if (ProcessHandle.of(owner).isEmpty()) {
                    killIfOurs(folder);
                    delete(folder);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void killIfOurs(Path folder) throws IOException {
        Path pidFile = folder.resolve("pid");
        if (Files.exists(pidFile)) {
            String pid = Files.readString(pidFile);
            Path commandLine = Path.of("/proc", pid, "cmdline");
            if (Files.exists(commandLine) && Files.readString(commandLine).contains(folder.toString())) {
                ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }

    private static void delete(Path tree) {
        try (Stream<Path> paths = Files.walk(tree)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
