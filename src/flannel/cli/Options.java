package flannel.cli;

import flannel.cli.Option.Kind;
import flannel.text.Spelling;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The options given, by the syntax of Go's flag package: {@code -x=v}, {@code -x v}, {@code --x}; the last one wins. */
final class Options {

    /** Every option there is: parsing, usage and environment all read this table. Sorted, as Go prints it. */
    static final List<Option> TABLE = List.of(
            new Option("alsologtostderr", Kind.FLAG, "false", "log to standard error as well as files"),
            new Option("etcd-api", Kind.TEXT, "auto", "etcd API to use: v2, v3, or auto for the one whose store has the network's config", Commands.ASKING),
            new Option("etcd-cafile", Kind.FILE, "", "SSL Certificate Authority file used to secure etcd communication", Commands.ASKING),
            new Option("etcd-certfile", Kind.FILE, "", "SSL certification file used to secure etcd communication", Commands.ASKING),
            new Option("etcd-endpoints", Kind.TEXT, "http://127.0.0.1:4001,http://127.0.0.1:2379",
                    "a comma-delimited list of etcd endpoints", Commands.ASKING),
            new Option("etcd-keyfile", Kind.FILE, "", "SSL key file used to secure etcd communication", Commands.ASKING),
            new Option("etcd-password", Kind.TEXT, "",
                    "Password for BasicAuth to etcd (every user of the host sees it in ps: better give -etcd-password-file)", Commands.ASKING),
            new Option("etcd-password-file", Kind.FILE, "", "file with the password for BasicAuth to etcd", Commands.ASKING),
            new Option("etcd-prefix", Kind.TEXT, "/coreos.com/network", "etcd prefix", Commands.ASKING),
            new Option("etcd-username", Kind.TEXT, "", "Username for BasicAuth to etcd", Commands.ASKING),
            new Option("from", Kind.TEXT, "", "copy: etcd's store to copy from, v2 or v3", List.of(Commands.LEASE)),
            new Option("healthz-ip", Kind.TEXT, "127.0.0.1", "the IP address for the health server to listen on"),
            new Option("healthz-port", Kind.NUMBER, "0", "the port for the health server to listen on: /healthz, /readyz, /metrics, and a page at / (0 to disable)"),
            new Option("help", Kind.FLAG, "false", "print this message", List.of(Commands.DAEMON, Commands.CHECK, Commands.CLEANUP, Commands.RELEASE,
                    Commands.STATUS, Commands.LEASE, Commands.STORE, Commands.REPORT)),
            new Option("iface", Kind.LIST, "",
                    "interface to use (IP or name) for inter-host communication; may be given several times, the first that is there counts"),
            new Option("iface-can-reach", Kind.TEXT, "", "use the interface that the route to this IP leaves by"),
            new Option("iface-regex", Kind.LIST, "",
                    "regular expression on names or IPs to choose the interface by, after -iface; may be given several times"),
            new Option("ip-blackhole-route", Kind.FLAG, "false", "make what no host of the network holds unreachable, where it else leaves by the default route"),
            new Option("ip-masq", Kind.FLAG, "false", "setup IP masquerade rule for traffic destined outside of overlay network"),
            new Option("ip-masq-fully-random-disable", Kind.FLAG, "false", "do not pick masqueraded ports fully at random"),
            new Option("iptables-forward-rules", Kind.FLAG, "true", "accept forwarded packets of the overlay, whatever FORWARD's policy"),
            new Option("iptables-resync", Kind.NUMBER, "5", "seconds between two looks at the rules of iptables-legacy, of whose changes the kernel does not tell"),
            new Option("json", Kind.FLAG, "false", "print everything as JSON", List.of(Commands.STATUS, Commands.LEASE, Commands.CHECK)),
            new Option("kube-annotation-prefix", Kind.TEXT, "flannel.alpha.coreos.com",
                    "Kubernetes annotation prefix. Can contain single slash \"/\", otherwise it will be appended at the end."),
            new Option("kube-api-url", Kind.TEXT, "",
                    "Kubernetes API server URL. Does not need to be specified if flannel is running in a pod."),
            new Option("kube-subnet-mgr", Kind.FLAG, "false",
                    "Contact the Kubernetes API for subnet assignement instead of etcd or flannel-server."),
            new Option("kubeconfig-file", Kind.FILE, "",
                    "kubeconfig file location. Does not need to be specified if flannel is running in a pod."),
            new Option("listen", Kind.TEXT, "", "run as server and listen on specified address (e.g. ':8080')"),
            new Option("log_backtrace_at", Kind.VALUE, "", "when logging hits line file:N, emit a stack trace"),
            new Option("log_dir", Kind.FOLDER, "", "If non-empty, write log files in this directory"),
            new Option("logtostderr", Kind.FLAG, "true", "log to standard error instead of files"),
            new Option("net-config", Kind.LIST, "", "with -store: the network's config at the first start, JSON or a file with it; NAME=... for a network by name"),
            new Option("net-config-path", Kind.FILE, "/etc/kube-flannel/net-conf.json", "path to the network configuration file (with kube-subnet-mgr)"),
            new Option("network", Kind.TEXT, "", "the network by this name, in place of the one without a name", List.of(Commands.LEASE, Commands.STORE)),
            new Option("networks", Kind.TEXT, "", "run in multi-network mode and service the specified networks"),
            new Option("o", Kind.FILE, "", "the new archive; flanneld-report-TIME.tar.gz in the current directory when not given", List.of(Commands.REPORT)),
            new Option("peer", Kind.TEXT, "", "show the peers with this address of a host or a container, or in this subnet", List.of(Commands.STATUS)),
            new Option("probe-interval", Kind.NUMBER, "0", "seconds between two probes of the ways to all peers, by echoes to their kernels (0 for never)"),
            new Option("problems", Kind.FLAG, "false", "show only what needs attention", List.of(Commands.STATUS)),
            new Option("public-ip", Kind.TEXT, "", "IP accessible by other nodes for inter-host communication"),
            new Option("release-lease-on-exit", Kind.FLAG, "false", "when told to end, take the network off this host and give its lease back, for hosts that come and go"),
            new Option("remote", Kind.TEXT, "", "run as client and connect to server on specified address (e.g. '10.1.2.3:8080')", Commands.ASKING),
            new Option("remote-cafile", Kind.FILE, "", "SSL Certificate Authority file used to secure client/server communication", Commands.ASKING),
            new Option("remote-certfile", Kind.FILE, "", "SSL certification file used to secure client/server communication", Commands.ASKING),
            new Option("remote-keyfile", Kind.FILE, "", "SSL key file used to secure client/server communication", Commands.ASKING),
            new Option("set-node-network-unavailable", Kind.FLAG, "true",
                    "set NodeNetworkUnavailable after ready (with kube-subnet-mgr)"),
            new Option("socket", Kind.FILE, "/run/flannel/flanneld.sock", "unix socket at which the daemon tells its status",
                    List.of(Commands.DAEMON, Commands.STATUS)),
            new Option("start-alone", Kind.FLAG, "true", "when the store can't be asked at the start, go by what this host remembers of it, as long as its lease lasts"),
            new Option("state-dir", Kind.FOLDER, "/var/lib/flannel", "directory for what must outlive a reboot: this host's id and last subnet"),
            new Option("stderrthreshold", Kind.VALUE, "", "logs at or above this threshold go to stderr"),
            new Option("store", Kind.FOLDER, "", "with -listen: keep config and leases in this directory, in place of etcd", Commands.ASKING),
            new Option("subnet-dir", Kind.FOLDER, "/run/flannel/networks",
                    "directory where files with env variables (subnet, MTU, ...) will be written to"),
            new Option("subnet-file", Kind.FILE, "/run/flannel/subnet.env",
                    "filename where env variables (subnet, MTU, ... ) will be written to"),
            new Option("subnet-lease-renew-margin", Kind.NUMBER, "60", "Subnet lease renewal margin, in minutes."),
            new Option("to", Kind.TEXT, "", "copy: etcd's store to copy to, v2 or v3", List.of(Commands.LEASE)),
            new Option("udp-queues", Kind.NUMBER, "1", "udp backend: queues of the TUN device, each with a socket and threads of its own, for more than four processors"),
            new Option("v", Kind.VALUE, "", "log level for V logs"),
            new Option("version", Kind.FLAG, "false", "print version and exit"),
            new Option("vmodule", Kind.VALUE, "", "comma-separated list of pattern=N settings for file-filtered logging"),
            new Option("vxlan-checksum-offload", Kind.TEXT, "auto",
                    "whether a VXLAN device computes checksums: on, off, or auto for off before Linux 5.7, which does it wrong"),
            new Option("watch", Kind.FLAG, "false", "show it again every two seconds", List.of(Commands.STATUS)),
            new Option("watch-networks", Kind.FLAG, "false", "run in multi-network mode and watch for networks from 'networks' or all networks"),
            new Option("yes", Kind.FLAG, "false", "do what is otherwise only told, or asked about", List.of(Commands.LEASE, Commands.STORE)));

    private static final Set<String> TRUE = Set.of("1", "t", "T", "true", "TRUE", "True");
    private static final Set<String> FALSE = Set.of("0", "f", "F", "false", "FALSE", "False");

    private final Map<String, List<String>> given = new LinkedHashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<String> words = new ArrayList<>();
    private String command = Commands.DAEMON;
    private String strayWord;

    private Options() {
    }

    /**
     * Reads the command line, then the environment for what the command line leaves out.
     *
     * @throws UsageException when the command line is wrong
     */
    static Options parse(String[] arguments, Map<String, String> environment) throws UsageException {
        Options options = new Options();
        options.readArguments(arguments);
        options.readEnvironment(environment);
        return options;
    }

    /** What is left out, nothing given. */
    static Options none() {
        return new Options();
    }

    /** Takes what is given there for what is not given here, and an option of this command too. */
    void fillFrom(Options others) {
        for (Option option : TABLE) {
            List<String> values = others.given.get(option.name());
            if (values != null && Commands.has(command, option)) {
                given.putIfAbsent(option.name(), values);
            }
        }
    }

    private void readArguments(String[] arguments) throws UsageException {
        boolean hasCommand = arguments.length > 0 && Commands.find(arguments[0]).isPresent();
        command = hasCommand ? arguments[0] : Commands.DAEMON;
        for (int i = hasCommand ? 1 : 0; i < arguments.length; i++) {
            String argument = arguments[i];
            if (!argument.startsWith("-") && !argument.isEmpty() && words.size() < wordsOf(command)) {
                words.add(argument);
                continue;
            }
            if (argument.length() < 2 || argument.charAt(0) != '-') {
                strayWord = i == 0 && Commands.nearest(argument).isPresent() ? "unknown command \"" + argument + "\"; did you mean flanneld "
                        + Commands.nearest(argument).get() + "?" : stray(argument, i == 0 ? "" : arguments[i - 1]);
                return;
            }
            if (argument.equals("--")) {
                strayWord = i + 1 < arguments.length ? stray(arguments[i + 1], argument) : null;
                return;
            }
            String body = argument.substring(argument.startsWith("--") ? 2 : 1);
            int equals = body.indexOf('=', 1);
            String name = equals < 0 ? body : body.substring(0, equals);
            if (name.isEmpty() || name.charAt(0) == '-' || name.charAt(0) == '=') {
                throw new UsageException("bad flag syntax: " + argument);
            }
            Option option = name.equals("h") ? find("help") : find(name);
            if (option != null && !Commands.has(command, option)) {
                throw new UsageException("-" + option.name() + " is an option of " + Commands.describe(option.commands().getFirst())
                        + ", not of " + Commands.describe(command));
            }
            if (option == null) {
                throw new UsageException("flag provided but not defined: -" + name
                        + nearest(name, command).map(meant -> "; did you mean -" + meant + "?").orElse(""));
            }
            String value;
            if (equals >= 0) {
                value = body.substring(equals + 1);
            } else if (option.kind() == Kind.FLAG) {
                value = "true"; // a flag never takes the next word
            } else if (i + 1 < arguments.length) {
                value = arguments[++i];
            } else {
                throw new UsageException("flag needs an argument: -" + name);
            }
            String wrong = wrong(option, value);
            if (wrong != null) {
                throw new UsageException(wrong);
            }
            given.computeIfAbsent(option.name(), key -> new ArrayList<>()).add(value);
        }
    }

    private static int wordsOf(String command) {
        return Commands.find(command).map(Commands.Entry::words).orElse(0);
    }

    /**
     * What is wrong with a word that belongs to no option, and what was probably meant.
     *
     * @param before the word in front of it
     */
    private static String stray(String word, String before) {
        if (Commands.find(word).isPresent()) {
            return "stray word \"" + word + "\": a command comes first; write flanneld " + word;
        }
        boolean secret = before.contains("password"); // "-etcd-password= word": the journal is read by more people than ps
        String wrong = "stray word \"" + (secret ? "…" : word) + "\"" + (secret ? " behind -etcd-password" : "") + ": ";
        Option option = find(before.replaceFirst("^--?", ""));
        if (option != null && option.kind() == Kind.FLAG && (TRUE.contains(word) || FALSE.contains(word))) {
            return wrong + "a flag takes its value behind an equals sign only; write -" + option.name() + "=" + word;
        }
        String body = word.replaceFirst("^[^\\p{L}\\p{N}]+", "");
        int equals = body.indexOf('=');
        Optional<String> meant = nearest(equals < 0 ? body : body.substring(0, equals), Commands.DAEMON)
                .map(name -> "-" + name + (equals < 0 ? "" : body.substring(equals)));
        if (meant.isPresent() && body.length() < word.length()) {
            return wrong + "what it begins with is not the plain dash; write " + meant.get(); // a dash of typesetting, as in many blogs
        }
        return wrong + "options have the form -name=value" + meant.map(form -> "; did you mean " + form + "?").orElse("");
    }

    private static Optional<String> nearest(String name, String command) {
        return Spelling.nearest(name, TABLE.stream().filter(option -> Commands.has(command, option)).map(Option::name).toList());
    }

    private void readEnvironment(Map<String, String> environment) {
        for (Option option : TABLE) {
            String value = environment.get(option.variable());
            if (value == null || value.isEmpty() || given.containsKey(option.name()) || !Commands.has(command, option)) {
                continue;
            }
            String wrong = wrong(option, value);
            if (wrong == null) {
                given.put(option.name(), List.of(value));
            } else {
                warnings.add("ignoring " + option.variable() + " of the environment: " + wrong);
            }
        }
    }

    private static Option find(String name) {
        for (Option option : TABLE) {
            if (option.name().equals(name)) {
                return option;
            }
        }
        return null;
    }

    /** What is wrong with a value, in the words of Go's flag package; null when it is right. */
    private static String wrong(Option option, String value) {
        return switch (option.kind()) {
            case FLAG -> TRUE.contains(value) || FALSE.contains(value) ? null
                    : "invalid boolean value \"" + value + "\" for -" + option.name() + ": parse error";
            case NUMBER -> value.matches("[+-]?\\d{1,9}") ? null
                    : "invalid value \"" + value + "\" for flag -" + option.name() + ": parse error";
            case VALUE -> option.name().equals("v") && !value.matches("\\d{1,9}")
                    ? "invalid value \"" + value + "\" for flag -v: parse error" : null;
            case FILE, FOLDER -> isPath(value) ? null
                    : "invalid value \"" + value + "\" for flag -" + option.name() + ": it has characters that the locale's encoding, "
                            + System.getProperty("native.encoding") + ", has not; set LC_ALL, as to C.UTF-8 or en_US.UTF-8";
            case TEXT, LIST -> null;
        };
    }

    /** False for what the JVM can't turn into a file's name: with LC_ALL=C, all that is not ASCII. */
    private static boolean isPath(String value) {
        try {
            Path.of(value);
            return true;
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /** The first word, if it is one of {@link Commands}. */
    String command() {
        return command;
    }

    /** Further words of a command. */
    List<String> words() {
        return words;
    }

    /** What is wrong with the first word that belongs to no option, one sentence; the words behind it are not read. */
    Optional<String> strayWord() {
        return Optional.ofNullable(strayWord);
    }

    /** What the environment holds that can't be used. */
    List<String> warnings() {
        return warnings;
    }

    boolean isGiven(String name) {
        return given.containsKey(name);
    }

    String text(String name) {
        return given.containsKey(name) ? given.get(name).getLast() : find(name).defaultValue();
    }

    /** All values of an option that may be given several times; in the environment they are separated by commas. */
    List<String> list(String name) {
        return given.getOrDefault(name, List.of()).stream()
                .flatMap(value -> List.of(name.equals("iface") ? value.split(",") : new String[] {value}).stream())
                .filter(value -> !value.isEmpty()).toList();
    }

    boolean flag(String name) {
        return TRUE.contains(text(name));
    }

    int number(String name) {
        return Integer.parseInt(text(name));
    }

    /** What {@code -help} prints. */
    static String usage() {
        StringBuilder usage = new StringBuilder("Usage: /usr/bin/flanneld [OPTION]...\n");
        append(Commands.DAEMON, usage);
        for (Commands.Entry entry : Commands.TABLE) {
            usage.append('\n').append(usage(entry));
        }
        return usage.toString();
    }

    /** What {@code flanneld help COMMAND} prints. */
    static String usage(Commands.Entry command) {
        StringBuilder usage = new StringBuilder("Usage: /usr/bin/flanneld " + command.synopsis() + "\n    " + command.help() + "\n");
        append(command.name(), usage);
        return usage.toString();
    }

    private static void append(String command, StringBuilder usage) {
        TABLE.stream().filter(option -> option.commands().contains(command)).forEach(option -> usage.append(option.usage()));
    }
}
