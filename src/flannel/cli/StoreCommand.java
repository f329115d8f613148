package flannel.cli;

import flannel.api.NetworkDump;
import flannel.etcd.EtcdImport;
import flannel.etcd.EtcdOptions;
import flannel.files.SmallFiles;
import flannel.json.JsonException;
import flannel.lease.NetworkContents;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.store.SmallStore;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * {@code flanneld store export | import FILE | repair}: a server's own store, brought to etcd by a file, or mended. Ends with 0 when it is done,
 * with 1 and a sentence when it can't be, with 2 when the command line is wrong.
 */
final class StoreCommand {

    private static final int LIMIT_BYTES = 8 << 20;

    /** No lease is imported for less: its host may not be able to renew it before it is told of etcd. */
    private static final Duration LEAST = Duration.ofHours(1);

    private final PrintStream stdout;
    private final PrintStream stderr;
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);

    StoreCommand(PrintStream stdout, PrintStream stderr) {
        this.stdout = stdout;
        this.stderr = stderr;
    }

    int run(Options options, Map<String, String> environment) throws InterruptedException {
        List<String> words = options.words();
        try {
            switch (String.join(" ", words).replaceFirst(" .*", " FILE")) {
                case "export":
                    return export(options, environment);
                case "import FILE":
                    return load(Path.of(words.get(1)), options, environment);
                case "repair":
                    if (options.text("store").isEmpty()) {
                        return complain(Command.WRONG, "flanneld store repair needs -store=FOLDER");
                    }
                    stdout.println(SmallStore.repair(Path.of(options.text("store")), log));
                    return Command.OK;
                default:
                    return complain(Command.WRONG, Commands.find(Commands.STORE).orElseThrow().usage(words));
            }
        } catch (IllegalArgumentException e) {
            return complain(Command.WRONG, e.getMessage());
        } catch (IOException e) {
            return complain(Command.FAILED, e.getMessage());
        }
    }

    private int complain(int status, String sentence) {
        stderr.println(sentence);
        return status;
    }

    private int export(Options options, Map<String, String> environment) throws IOException, InterruptedException {
        String network = Connections.network(options);
        try (ServedCatalog catalog = Connections.open(options, environment, log)) {
            ServedStore store = catalog.network(network);
            NetworkContents contents = NetworkContents.of(store).withEnds(store);
            if (contents.config() == null) {
                return complain(Command.FAILED, Connections.missing(catalog, store) + ": nothing to export");
            }
            stdout.print(NetworkDump.toJson(contents));
            stdout.flush();
            return Command.OK;
        }
    }

    private int load(Path file, Options options, Map<String, String> environment) throws IOException, InterruptedException {
        NetworkContents contents;
        try {
            contents = NetworkDump.parse(SmallFiles.read(file, LIMIT_BYTES)).endingAfter(Instant.now().plus(LEAST));
        } catch (JsonException e) {
            return complain(Command.FAILED, file + " is not what flanneld store export writes: " + e.getMessage());
        }
        EtcdOptions etcd = Connections.etcdOf(Connections.network(options), options, options.text("etcd-api"), environment);
        try (EtcdImport target = EtcdImport.open(etcd, log)) {
            return new Transfer(stdout, stderr).run(contents, target, "etcd's " + etcd.api() + " store", options.flag("yes"));
        }
    }
}
