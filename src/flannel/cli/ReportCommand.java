package flannel.cli;

import flannel.check.Checkup;
import flannel.daemon.NetworkSelection;
import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.lease.NetworkContents;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.report.HostSources;
import flannel.report.Report;
import flannel.report.Source;
import flannel.status.PeerFilter;
import flannel.status.StatusClient;
import flannel.status.StatusJson;
import flannel.status.StatusText;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code flanneld report}: an archive of all that somebody needs who helps from afar. Ends with 0 when it is written, with 1 and a sentence else. */
final class ReportCommand {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int LIMIT_BYTES = 64 << 10;

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuuMMdd-HHmmss");

    private final PrintStream stdout;
    private final PrintStream stderr;
    private final HostSources host;
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);

    ReportCommand(PrintStream stdout, PrintStream stderr, HostSources host) {
        this.stdout = stdout;
        this.stderr = stderr;
        this.host = host;
    }

    /** @param checkup looks at this host */
    int run(Options options, Map<String, String> environment, Callable<Checkup> checkup) throws InterruptedException {
        Path archive = Path.of(options.text("o").isEmpty() ? "flanneld-report-" + TIME.format(LocalDateTime.now()) + ".tar.gz" : options.text("o"));
        List<Source> sources = new ArrayList<>(List.of(
                Source.of("versions/flanneld", () -> "flanneld " + Command.VERSION + ", Java " + Runtime.version() + "\n"),
                new Source("status", false, () -> status(Path.of(options.text("socket")))),
                new Source("check", false, () -> check(checkup.call())),
                Source.of("store.json", () -> store(options, environment))));
        sources.addAll(host.all());
        sources.add(Source.ofSettings("settings/subnet.env", () -> SmallFiles.read(Path.of(options.text("subnet-file")), LIMIT_BYTES)));
        if (!options.text("log_dir").isEmpty()) {
            sources.add(host.end("log/flanneld.INFO", Path.of(options.text("log_dir"), "flanneld.INFO")));
        }
        try {
            Report report = Report.write(archive, sources, PATIENCE);
            report.lacking().forEach(sentence -> stdout.println("left out: " + sentence));
            stdout.println(archive.toAbsolutePath() + ": " + report.files() + " files, " + report.bytes() + " bytes; in " + report.taken()
                    + " places a secret was taken out. Have a look before you give it away.");
            stdout.flush();
            return Command.OK;
        } catch (FileException e) {
            stderr.println(e.getMessage());
            return Command.FAILED;
        }
    }

    private static Map<String, String> status(Path socket) throws Exception {
        String json = StatusClient.ask(socket);
        return Map.of("status.json", json, "status.txt", StatusText.render(StatusJson.read(json), new StatusText.View(PeerFilter.ALL, false, false, ZoneId.systemDefault())));
    }

    private static Map<String, String> check(Checkup checkup) {
        return Map.of("check.json", checkup.json() + "\n", "check.txt", checkup.text());
    }

    private String store(Options options, Map<String, String> environment) throws Exception {
        if (options.flag("kube-subnet-mgr")) {
            throw new IllegalArgumentException("the leases are those of Kubernetes' nodes: kubectl get nodes -o yaml has them");
        }
        NetworkSelection networks = NetworkSelection.parse(options.text("networks"), options.flag("watch-networks"), Path.of(options.text("subnet-dir")));
        StringBuilder all = new StringBuilder();
        try (ServedCatalog catalog = Connections.open(options, environment, log)) {
            for (String name : networks.isSingle() ? List.of("") : networks.names().isEmpty() ? catalog.names() : networks.names()) {
                ServedStore store = catalog.network(name);
                all.append(new LeaseListing(NetworkContents.of(store).withEnds(store)).json()).append('\n');
            }
        }
        return all.toString();
    }
}
