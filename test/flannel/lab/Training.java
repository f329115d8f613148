package flannel.lab;

import flannel.Main;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code ./build.sh train}: writes {@code rpm/classes.list} anew, the classes, lambdas and call sites that the package's archive holds linked
 * ahead of time: those that a daemon uses from its start until it has followed and probed a peer and told its status, by the socket and over HTTP,
 * with each backend and each of etcd's stores; and those of {@code flanneld status}.
 */
public final class Training {

    private static final String HEADER = """
            # Classes of the daemon and of the JDK that are archived ahead of time (rpm/runtime.sh). Made by ./build.sh train; what is
            # missing or no longer there costs time at the start, and nothing else.
            """;

    /** The other role of this class: the daemon itself, in a JVM that ends in order when it is told to. Only then is its list complete. */
    private static final String RECORDED = """
            #!/bin/sh
            : "${FLANNEL_TRAINING:=%s/status}"
            exec "%s" "@%s" -Xshare:off -XX:DumpLoadedClassList="$FLANNEL_TRAINING.list" --add-exports flannel/flannel=ALL-UNNAMED \\
                -p "%s" --add-modules flannel -cp "%s" flannel.lab.Training recorded "$FLANNEL_TRAINING.stop" "$@"
            """;

    private Training() {
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0 && arguments[0].equals("recorded")) {
            recorded(Path.of(arguments[1]), Stream.of(arguments).skip(2).toArray(String[]::new));
            return;
        }
        Path folder = Files.createDirectories(Path.of("build/training").toAbsolutePath());
        Path program = Files.writeString(folder.resolve("flanneld"), RECORDED.formatted(folder, Path.of(System.getProperty("java.home"), "bin/java"),
                Path.of("etc/jvm.options").toAbsolutePath(), Path.of("build/flanneld.jar").toAbsolutePath(), Path.of("build/lab-classes").toAbsolutePath()));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Set<String> list = new TreeSet<>(Comparator.comparing((String line) -> line.startsWith("@")).thenComparing(Comparator.naturalOrder()));
        for (Store.Api api : Store.Api.values()) {
            for (String backend : List.of("vxlan", "host-gw", "udp")) {
                Path files = folder.resolve(api + "-" + backend);
                train(api, backend, program, files);
                Stream.of(files + ".list", folder + "/status.list").flatMap(Training::lines).filter(line -> !line.startsWith("#") && !line.contains("flannel/lab/"))
                        .map(line -> line.replaceFirst(" id: \\d+$", "")).forEach(list::add);
            }
        }
        Path written = Files.writeString(folder.resolve("classes.list"), HEADER + String.join("\n", list) + "\n");
        Files.move(written, Path.of("rpm/classes.list"), StandardCopyOption.REPLACE_EXISTING);
        Lab.deleteTree(folder);
        System.out.println("rpm/classes.list: " + list.size() + " lines");
    }

    private static Stream<String> lines(String file) {
        try {
            return Files.readAllLines(Path.of(file)).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void train(Store.Api api, String backend, Path program, Path files) throws Exception {
        try (Lab lab = new Lab(api, program)) {
            lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"" + backend + "\"}}");
            Daemon daemon = lab.host(1).start(lab.options("-healthz-port=8471", "-probe-interval=1"), Map.of("FLANNEL_TRAINING", files.toString()));
            daemon.awaitReady();
            lab.host(2, Lab.built()).start(lab.options()).awaitReady();
            daemon.awaitLog("Subnet added");
            NetworkNamespace.Result status = lab.host(1).flanneld("status");
            if (status.exitCode() != 0) {
                throw new IOException("flanneld status ended with " + status);
            }
            Await.that("the peer is probed", () -> Pattern.compile("answered_total\\{network=\"\"} [1-9]").matcher(asked(lab, "/metrics")).find());
            for (String path : List.of("/", "/healthz", "/readyz")) {
                asked(lab, path);
            }
            lab.host(2).daemon().close();
            lab.store().leasesWith("\"" + lab.host(2).address() + "\"").forEach(key -> lab.store().delete("subnets/" + key));
            daemon.awaitLog("Subnet removed");
            Files.createFile(Path.of(files + ".stop"));
            Await.that("the daemon has ended", () -> !daemon.isAlive());
        }
    }

    private static String asked(Lab lab, String path) throws Exception {
        return lab.host(1).namespace().call(() -> {
            try (InputStream answer = URI.create("http://127.0.0.1:8471" + path).toURL().openStream()) {
                return new String(answer.readAllBytes(), StandardCharsets.US_ASCII);
            }
        });
    }

    private static void recorded(Path stop, String[] arguments) throws Exception {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                Main.main(arguments);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        while (!Files.exists(stop)) {
            Thread.sleep(50);
        }
        Runtime.getRuntime().halt(0);
    }
}
