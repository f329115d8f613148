package flannel.cli;

import flannel.daemon.Daemon;
import flannel.daemon.ServiceManager;
import flannel.daemon.Settings;
import flannel.etcd.EtcdOptions;
import flannel.kernel.Underlays;
import flannel.log.Log;
import flannel.log.LogOptions;
import flannel.log.LogOptions.Severity;
import flannel.net.Ipv4;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** From the words of the command line to a running daemon, or to an exit status. */
public final class Command {

    /** Shown by {@code -version}; the package's version too. */
    public static final String VERSION = "1.0.0";

    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    /** Renewal margin in minutes: less than the 24 hours of a lease, or it would be renewed without end. */
    private static final int LONGEST_MARGIN = 24 * 60 - 1;

    /** Options of modes that this daemon does not have (yet): refused, so that nobody believes they work. */
    private static final Map<String, String> MISSING_MODES = Map.of(
            "networks", "multi-network mode", "watch-networks", "multi-network mode",
            "listen", "the server mode", "remote", "the client mode",
            "remote-cafile", "the client mode", "remote-certfile", "the client mode", "remote-keyfile", "the client mode",
            "kube-subnet-mgr", "the Kubernetes subnet manager");

    private final PrintStream stderr;

    public Command(PrintStream stderr) {
        this.stderr = stderr;
    }

    /** An option whose value can't be used; one sentence. */
    private static final class OptionException extends Exception {

        private static final long serialVersionUID = 1L;

        OptionException(String message) {
            super(message);
        }
    }

    /**
     * Runs the command.
     *
     * @return the process's exit status: 0 for help and version, 1 when the daemon can't start, 2 for a command line that is wrong
     */
    public int run(String[] arguments, Map<String, String> environment) throws InterruptedException {
        Options options;
        try {
            options = Options.parse(arguments, environment);
        } catch (UsageException e) {
            stderr.print(e.getMessage() + "\n" + Options.usage());
            return USAGE;
        }
        if (options.flag("help") || options.hasPositional()) {
            stderr.print(Options.usage());
            return OK;
        }
        if (options.flag("version")) {
            stderr.println("v" + VERSION);
            return OK;
        }
        return start(options, environment);
    }

    private int start(Options options, Map<String, String> environment) throws InterruptedException {
        Log log;
        try {
            log = Log.open(logOptions(options));
        } catch (OptionException | IllegalArgumentException e) {
            return fail(new Log(stderr, 0), e.getMessage());
        } catch (IOException e) {
            return fail(new Log(stderr, 0), "cannot write a log file in -log_dir \"" + options.text("log_dir") + "\": " + e);
        }
        for (String warning : options.warnings()) {
            log.warning(warning);
        }
        try {
            Settings settings = settings(options, environment, log);
            new Daemon(settings, new ServiceManager(environment.get("NOTIFY_SOCKET"), log), log).run();
            return OK;
        } catch (OptionException | Daemon.StartException e) {
            return fail(log, e.getMessage());
        }
    }

    private static int fail(Log log, String reason) {
        log.error(reason);
        return FAILED;
    }

    private static LogOptions logOptions(Options options) throws OptionException {
        String threshold = options.text("stderrthreshold").toUpperCase(Locale.ROOT);
        List<String> names = List.of("INFO", "WARNING", "ERROR", "FATAL");
        // glog takes the names and their numbers
        String name = threshold.isEmpty() ? "ERROR" : threshold.matches("[0-3]") ? names.get(Integer.parseInt(threshold)) : threshold;
        if (!names.contains(name)) {
            throw new OptionException("-stderrthreshold \"" + threshold + "\" is none of " + names);
        }
        String verbosity = options.text("v");
        return new LogOptions(verbosity.isEmpty() ? 0 : Integer.parseInt(verbosity), options.text("vmodule"), options.flag("logtostderr"),
                options.flag("alsologtostderr"), Severity.valueOf(name), options.text("log_dir"), options.text("log_backtrace_at"));
    }

    private static Settings settings(Options options, Map<String, String> environment, Log log) throws OptionException {
        refuseMissingModes(options);
        if (options.isGiven("subnet-dir")) {
            log.warning("-subnet-dir has a meaning in multi-network mode only");
        }
        int margin = options.number("subnet-lease-renew-margin");
        if (margin < 1 || margin > LONGEST_MARGIN) {
            throw new OptionException("Invalid subnet-lease-renew-margin option, out of acceptable range: " + margin
                    + " is not between 1 and " + LONGEST_MARGIN + " minutes");
        }
        int resync = options.number("iptables-resync");
        if (resync < 1) {
            throw new OptionException("-iptables-resync " + resync + " is not a number of seconds above 0");
        }
        EtcdOptions etcd = new EtcdOptions(List.of(options.text("etcd-endpoints").split(",")), options.text("etcd-prefix"),
                options.text("etcd-api"), options.text("etcd-cafile"), options.text("etcd-certfile"), options.text("etcd-keyfile"),
                options.text("etcd-username"), options.text("etcd-password"), environment);
        return new Settings(etcd,
                new Underlays.Selection(options.list("iface"), options.list("iface-regex"), options.text("iface-can-reach")),
                publicIp(options.text("public-ip")), Path.of(options.text("subnet-file")), Path.of(options.text("state-dir")),
                Duration.ofMinutes(margin), options.flag("ip-masq"), !options.flag("ip-masq-fully-random-disable"),
                options.flag("iptables-forward-rules"), Duration.ofSeconds(resync),
                environment.getOrDefault("DOCKER_NETWORK_OPTIONS", ""));
    }

    private static void refuseMissingModes(Options options) throws OptionException {
        if (!options.text("listen").isEmpty() && !options.text("remote").isEmpty()) {
            throw new OptionException("--listen and --remote are mutually exclusive");
        }
        for (Option option : Options.TABLE) {
            String mode = MISSING_MODES.get(option.name());
            if (mode != null && !options.text(option.name()).isEmpty()
                    && (option.kind() != Option.Kind.FLAG || options.flag(option.name()))) {
                throw new OptionException("-" + option.name() + ": this flanneld does not have " + mode + " yet");
            }
        }
    }

    private static Ipv4 publicIp(String text) throws OptionException {
        if (text.isEmpty()) {
            return null;
        }
        try {
            return Ipv4.parse(text);
        } catch (IllegalArgumentException e) {
            throw new OptionException("invalid public IP address: " + e.getMessage());
        }
    }
}
