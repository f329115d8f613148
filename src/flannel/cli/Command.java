package flannel.cli;

import flannel.daemon.Daemon;
import flannel.daemon.NetworkSelection;
import flannel.daemon.ServiceManager;
import flannel.daemon.Settings;
import flannel.etcd.EtcdOptions;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.Underlays;
import flannel.kube.KubeOptions;
import flannel.linux.Capability;
import flannel.log.Log;
import flannel.log.LogOptions;
import flannel.log.LogOptions.Severity;
import flannel.net.Ipv4;
import flannel.remote.RemoteOptions;
import flannel.report.HostSources;
import flannel.server.ListenAddress;
import flannel.store.StoreOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** From the words of the command line to a running daemon, or to an exit status. */
public final class Command {

    /** Shown by {@code -version}; the package's version too. */
    public static final String VERSION = "1.0.0";

    static final int OK = 0;

    /** What may be better at the next try: systemd starts the daemon again. */
    static final int FAILED = 1;

    /** What will be the same at the next try, a wrong command line above all: the unit's RestartPreventExitStatus. */
    static final int WRONG = 2;

    /** Renewal margin in minutes: less than the 24 hours of a lease, or it would be renewed without end. */
    private static final int LONGEST_MARGIN = 24 * 60 - 1;

    /** Each takes some megabytes, and two of the queues that the kernel gives a device (MAX_TAP_QUEUES, 256). */
    private static final int MOST_UDP_QUEUES = 64;

    /** A day, in seconds. */
    private static final int LONGEST_PROBE_INTERVAL = 24 * 60 * 60;

    private final PrintStream stdout;
    private final PrintStream stderr;
    private final Path serviceSettings;
    private final DaemonMaker daemons;

    /** Where a command line that is in order becomes a daemon: tests of wrong ones make sure that they start none. */
    @FunctionalInterface
    interface DaemonMaker {
        Daemon make(Settings settings, Daemon.Lookouts lookouts, ServiceManager manager, Log log);
    }

    public Command(PrintStream stdout, PrintStream stderr) {
        this(stdout, stderr, ServiceSettings.FILE, Daemon::new);
    }

    Command(PrintStream stdout, PrintStream stderr, Path serviceSettings, DaemonMaker daemons) {
        this.stdout = stdout;
        this.stderr = stderr;
        this.serviceSettings = serviceSettings;
        this.daemons = daemons;
    }

    /** An option whose value can't be used, whatever the host's state; one sentence. */
    private static final class OptionException extends Exception {

        private static final long serialVersionUID = 1L;

        OptionException(String message) {
            super(message);
        }
    }

    /**
     * Runs the command.
     *
     * @return the process's exit status: 0 for help and version, 1 when the daemon can't start, 2 when it can't however often it is tried:
     *         a wrong command line, or the wrong user. For {@code status} see {@link StatusCommand}
     */
    public int run(String[] arguments, Map<String, String> environment) throws InterruptedException {
        Options options;
        try {
            options = Options.parse(arguments, environment);
        } catch (UsageException e) {
            return refuse(e.getMessage(), environment);
        }
        if (options.flag("help")) {
            stderr.print(Commands.find(options.command()).map(Options::usage).orElseGet(Options::usage));
            return OK;
        }
        if (options.strayWord().isPresent()) { // for the original a wish for help, with exit status 0: no service could be mended by that
            return refuse(options.strayWord().get(), environment);
        }
        return switch (options.command()) {
            case Commands.LEASE -> new LeaseCommand(stdout, stderr).run(withService(options), environment);
            case Commands.STORE -> new StoreCommand(stdout, stderr).run(withService(options), environment);
            case Commands.CHECK -> onHost(options, environment, new CheckCommand(stdout)::run);
            case Commands.RELEASE -> onHost(options, environment, new ReleaseCommand(stdout, stderr, environment)::run);
            case Commands.CLEANUP -> onHost(options, environment, new CleanupCommand(stdout, stderr)::run);
            case Commands.REPORT -> report(options, environment);
            case Commands.STATUS -> new StatusCommand(stdout, stderr).run(options, environment);
            case Commands.HELP -> help(options.words(), environment);
            default -> daemon(options, environment);
        };
    }

    /** What a person leaves out on a host is as the service has it, unless another store was asked for. */
    private Options withService(Options options) {
        if (List.of("remote", "store", "etcd-endpoints").stream().noneMatch(options::isGiven)) {
            options.fillFrom(ServiceSettings.forCommands(serviceSettings));
        }
        return options;
    }

    private int report(Options options, Map<String, String> environment) throws InterruptedException {
        options.fillFrom(ServiceSettings.options(serviceSettings));
        return new ReportCommand(stdout, stderr, HostSources.ofThisHost(environment)).run(options, environment,
                () -> CheckCommand.checkup(options, settings(options, environment, new Log(stderr, 0))));
    }

    /** A command that is about this host's daemon. */
    private interface OnHost {

        /** @throws IllegalArgumentException with a sentence, when it can't do with such settings */
        int run(Options options, Settings settings) throws InterruptedException;
    }

    /** Goes by the service's settings for what is not given. */
    private int onHost(Options options, Map<String, String> environment, OnHost command) throws InterruptedException {
        options.fillFrom(ServiceSettings.options(serviceSettings));
        try {
            return command.run(options, settings(options, environment, new Log(stderr, 0)));
        } catch (OptionException | IllegalArgumentException e) {
            stderr.println(e.getMessage());
            return WRONG;
        }
    }

    private int help(List<String> words, Map<String, String> environment) {
        Optional<Commands.Entry> command = words.isEmpty() ? Optional.empty() : Commands.find(words.getFirst());
        if (!words.isEmpty() && command.isEmpty()) {
            return refuse("there is no command \"" + words.getFirst() + "\""
                    + Commands.nearest(words.getFirst()).map(meant -> "; did you mean " + meant + "?").orElse(""), environment);
        }
        stdout.print(command.map(Options::usage).orElseGet(Options::usage));
        stdout.flush();
        return OK;
    }

    private int daemon(Options options, Map<String, String> environment) throws InterruptedException {
        if (options.flag("version")) {
            stderr.println("v" + VERSION);
            return OK;
        }
        return start(options, environment);
    }

    /** One line and no usage: it has to be seen at the end of {@code systemctl status}. */
    private int refuse(String reason, Map<String, String> environment) {
        stderr.println(reason + (isService(environment) ? " (the service's options are FLANNEL_OPTIONS in /etc/sysconfig/flanneld)"
                : " (flanneld -help lists the options)"));
        return WRONG;
    }

    /** A service's operator is told the file too, unless the sentence has it already. */
    private static String placed(String reason, Map<String, String> environment) {
        return reason + (isService(environment) && !reason.contains("/etc/sysconfig") ? " (the service's settings are in /etc/sysconfig/flanneld)"
                : "");
    }

    /** The unit's EnvironmentFile is in our environment too. */
    private static boolean isService(Map<String, String> environment) {
        return environment.containsKey("FLANNEL_ETCD_ENDPOINTS") || environment.containsKey("FLANNEL_OPTIONS");
    }

    private int start(Options options, Map<String, String> environment) throws InterruptedException {
        Log log;
        try {
            log = Log.open(logOptions(options), environment.get("JOURNAL_STREAM"));
        } catch (OptionException | IllegalArgumentException e) {
            return fail(new Log(stderr, 0), WRONG, placed(e.getMessage(), environment));
        } catch (IOException e) {
            return fail(new Log(stderr, 0), FAILED, "cannot write a log file in -log_dir \"" + options.text("log_dir") + "\": " + e.getMessage());
        }
        for (String warning : options.warnings()) {
            log.warning(warning);
        }
        try {
            Settings settings = settings(options, environment, log);
            Connections.openSecrets(options).forEach(log::warning);
            StoreOptions store = store(options);
            Optional<ListenAddress> listen = listenAddress(options.text("listen"));
            Daemon daemon = daemons.make(settings, lookouts(options), new ServiceManager(environment.get("NOTIFY_SOCKET"), log), log);
            if (listen.isPresent()) {
                daemon.serve(listen.get(), store, environment);
                return OK;
            }
            if (!Capability.NET_ADMIN.isEffective()) {
                return fail(log, WRONG, "flanneld makes links, routes and firewall rules, for which it has to be root, or to have "
                        + "CAP_NET_ADMIN and CAP_NET_RAW");
            }
            daemon.run();
            return OK;
        } catch (OptionException e) {
            return fail(log, WRONG, placed(e.getMessage(), environment));
        } catch (Daemon.StartException e) {
            return fail(log, FAILED, e.getMessage());
        }
    }

    private static int fail(Log log, int status, String reason) {
        log.error(reason);
        return status;
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
        refuseContradictions(options);
        NetworkSelection networks = networks(options);
        if (options.isGiven("subnet-dir") && networks.isSingle()) {
            log.warning("-subnet-dir has a meaning with -networks or -watch-networks only");
        }
        if (options.flag("release-lease-on-exit") && options.flag("kube-subnet-mgr")) {
            log.warning("-release-lease-on-exit has no meaning with -kube-subnet-mgr: a node's podCIDR is Kubernetes' to give and to take");
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
        RemoteOptions remote = Connections.remote(options);
        EtcdOptions etcd = Connections.etcd(options, environment);
        KubeOptions kube = kube(options, environment);
        try {
            if (kube.isWanted()) {
                kube.check();
            } else if (remote.isEmpty()) {
                etcd.check();
                remote.tls().check();
            } else {
                remote.urls();
            }
        } catch (IllegalArgumentException e) {
            throw new OptionException("Failed to create SubnetManager: " + e.getMessage());
        }
        return new Settings(networks, etcd, remote, kube, underlay(options),
                address("invalid public IP address", options.text("public-ip")), Path.of(options.text("subnet-file")), Path.of(options.text("state-dir")), Duration.ofMinutes(margin),
                options.flag("ip-masq"), !options.flag("ip-masq-fully-random-disable"), options.flag("iptables-forward-rules"),
                Duration.ofSeconds(resync), environment.getOrDefault("DOCKER_NETWORK_OPTIONS", ""), checksums(options), udpQueues(options),
                options.flag("ip-blackhole-route"), options.flag("start-alone"), options.flag("release-lease-on-exit"));
    }

    private static StoreOptions store(Options options) throws OptionException {
        if (options.text("store").isEmpty()) {
            if (options.isGiven("net-config")) {
                throw new OptionException("-net-config is for a server's own store: give -listen and -store too");
            }
            return StoreOptions.none();
        }
        if (options.text("listen").isEmpty()) {
            throw new OptionException("-store is for a server, whose hosts ask it with -remote: give -listen too");
        }
        StoreOptions store = new StoreOptions(Path.of(options.text("store")), options.list("net-config"));
        try {
            store.configs();
            return store;
        } catch (IllegalArgumentException e) {
            throw new OptionException(e.getMessage());
        }
    }

    private static KubeOptions kube(Options options, Map<String, String> environment) throws OptionException {
        for (String other : options.flag("kube-subnet-mgr") ? List.of("listen", "remote", "networks", "watch-networks") : List.<String>of()) {
            if (!options.text(other).isEmpty() && !options.text(other).equals("false")) {
                throw new OptionException("-kube-subnet-mgr and -" + other + " are mutually exclusive");
            }
        }
        return new KubeOptions(options.flag("kube-subnet-mgr"), options.text("kube-api-url"), options.text("kubeconfig-file"),
                Path.of(options.text("net-config-path")), options.text("kube-annotation-prefix"), options.flag("set-node-network-unavailable"),
                environment);
    }

    private static NetworkSelection networks(Options options) throws OptionException {
        try {
            return NetworkSelection.parse(options.text("networks"), options.flag("watch-networks"), Path.of(options.text("subnet-dir")));
        } catch (IllegalArgumentException e) {
            throw new OptionException(e.getMessage());
        }
    }

    private static Daemon.Lookouts lookouts(Options options) throws OptionException {
        int port = options.number("healthz-port");
        if (port < 0 || port > 65_535) {
            throw new OptionException("-healthz-port " + port + " is not a port, 1 to 65535, or 0 for none");
        }
        int probe = options.number("probe-interval");
        if (probe < 0 || probe > LONGEST_PROBE_INTERVAL) {
            throw new OptionException("-probe-interval " + probe + " is out of range: 0 for never, or up to " + LONGEST_PROBE_INTERVAL + " seconds");
        }
        try {
            InetAddress address = InetAddress.ofLiteral(options.text("healthz-ip"));
            return new Daemon.Lookouts(VERSION, Path.of(options.text("socket")), port == 0 ? null : new InetSocketAddress(address, port),
                    Duration.ofSeconds(probe));
        } catch (IllegalArgumentException e) {
            throw new OptionException("-healthz-ip: \"" + options.text("healthz-ip") + "\" is not an IP address");
        }
    }

    private static Underlays.Selection underlay(Options options) throws OptionException {
        List<Pattern> patterns = new ArrayList<>();
        for (String pattern : options.list("iface-regex")) {
            try {
                patterns.add(Pattern.compile(pattern));
            } catch (PatternSyntaxException e) {
                throw new OptionException("-iface-regex: \"" + pattern + "\" is not a regular expression: " + e.getDescription());
            }
        }
        return new Underlays.Selection(options.list("iface"), patterns, address("-iface-can-reach", options.text("iface-can-reach")));
    }

    private static void refuseContradictions(Options options) throws OptionException {
        if (!options.text("listen").isEmpty() && !options.text("remote").isEmpty()) {
            throw new OptionException("--listen and --remote are mutually exclusive");
        }
    }

    private static ChecksumOffload checksums(Options options) throws OptionException {
        try {
            return ChecksumOffload.of(options.text("vxlan-checksum-offload"), System.getProperty("os.version", ""));
        } catch (IllegalArgumentException e) {
            throw new OptionException("-vxlan-checksum-offload: " + e.getMessage());
        }
    }

    private static int udpQueues(Options options) throws OptionException {
        int queues = options.number("udp-queues");
        if (queues < 1 || queues > MOST_UDP_QUEUES) {
            throw new OptionException("-udp-queues " + queues + " is not between 1 and " + MOST_UDP_QUEUES);
        }
        return queues;
    }

    /** Empty when the option is not given. */
    private static Optional<ListenAddress> listenAddress(String text) throws OptionException {
        try {
            return text.isEmpty() ? Optional.empty() : Optional.of(ListenAddress.parse(text));
        } catch (IllegalArgumentException e) {
            throw new OptionException(e.getMessage());
        }
    }

    /** Null when the option is not given. */
    private static Ipv4 address(String what, String text) throws OptionException {
        try {
            return text.isEmpty() ? null : Ipv4.parse(text);
        } catch (IllegalArgumentException e) {
            throw new OptionException(what + ": " + e.getMessage());
        }
    }
}
