package flannel.report;

import flannel.files.SmallFiles;
import flannel.programs.Processes;
import flannel.programs.Programs;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a host tells of itself: versions, settings, the kernel's tables, the journal. Asks only; no key and no certificate is read. */
public final class HostSources {

    private static final int LIMIT_BYTES = 1 << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(8);

    /** Of a process's variables these are told with their values, if no secret; of others the names only. */
    private static final Pattern TOLD = Pattern.compile("FLANNEL.*|DOCKER_.*|KUBE.*|NODE_NAME|POD_.*|AWS_.*|GOOGLE_.*|.*(?i:_proxy)|NOTIFY_SOCKET|LC_.*|LANG|PATH|.*JAVA.*|JDK_.*");

    /** That say how packets are passed on; * is every interface. */
    private static final List<String> SYSCTLS = List.of("net/ipv4/ip_forward", "net/ipv4/conf/*/forwarding", "net/ipv4/conf/*/rp_filter",
            "net/ipv4/conf/*/arp_ignore", "net/ipv4/conf/*/accept_local", "net/ipv4/conf/*/proxy_arp", "net/ipv4/neigh/*/app_solicit", "net/ipv4/neigh/default/gc_thresh3",
            "net/ipv4/ip_no_pmtu_disc", "net/ipv4/fib_multipath_hash_policy", "net/bridge/bridge-nf-call-iptables", "net/netfilter/nf_conntrack_count",
            "net/netfilter/nf_conntrack_max", "net/core/rmem_max", "net/core/wmem_max", "net/core/netdev_max_backlog");

    private final Path root;
    private final Programs programs;
    private final Map<String, String> environment;

    private HostSources(Path root, Programs programs, Map<String, String> environment) {
        this.root = root;
        this.programs = programs;
        this.environment = environment;
    }

    /** Of this host, with the programs of the PATH and those of administrators. */
    public static HostSources ofThisHost(Map<String, String> environment) {
        return new HostSources(Path.of("/"), Programs.ofPath(environment.getOrDefault("PATH", ""), PATIENCE), environment);
    }

    /**
     * Of a host in a folder.
     *
     * @param folders where its programs are
     */
    public static HostSources of(Path root, Map<String, String> environment, List<Path> folders) {
        return new HostSources(root, new Programs(folders, PATIENCE), environment);
    }

    /** A file's last megabyte. */
    public Source end(String name, Path file) {
        return Source.of(name, programs, "tail", "-c", "1000000", file.toString());
    }

    /** All of them but for files whose names only the options tell. */
    public List<Source> all() {
        return List.of(
                Source.of("versions/os-release", () -> read("etc/os-release")),
                Source.of("versions/kernel", () -> read("proc/version")),
                Source.of("versions/docker", programs, "docker", "version"),
                Source.of("docker/info", programs, "docker", "info"),
                Source.of("docker/bridge", programs, "docker", "network", "inspect", "--format", "{{json .IPAM}} {{json .Options}}", "bridge"),
                Source.ofSettings("settings/docker-daemon.json", () -> read("etc/docker/daemon.json")),
                Source.ofSettings("settings/sysconfig-flanneld", () -> read("etc/sysconfig/flanneld")),
                Source.ofSettings("settings/sysconfig-docker-network", () -> read("etc/sysconfig/docker-network")),
                Source.ofSettings("settings/units", () -> programs.report(List.of("systemctl", "--no-pager", "cat", "flanneld.service", "docker.service"))),
                Source.ofSettings("settings/processes", this::processes),
                Source.ofSettings("settings/environment", () -> variables(environment.entrySet().stream().map(each -> each.getKey() + "=" + each.getValue()).toList())),
                Source.of("settings/units-state", programs, "systemctl", "--no-pager", "show", "-p",
                        "Id,LoadState,UnitFileState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,ExecMainStartTimestamp,MainPID,StatusText", "flanneld.service", "docker.service"),
                Source.ofSettings("settings/docker-options", () -> read("run/flannel/docker")),
                Source.of("kernel/links", programs, "ip", "-d", "-s", "link"),
                Source.of("kernel/addresses", programs, "ip", "address"),
                Source.of("kernel/routes", programs, "ip", "-d", "route", "show", "table", "all"),
                Source.of("kernel/rules", programs, "ip", "rule"),
                Source.of("kernel/neighbours", programs, "ip", "-s", "neigh"),
                Source.of("kernel/fdb", programs, "bridge", "fdb"),
                Source.of("kernel/iptables", programs, "iptables-save", "-c"),
                Source.of("kernel/iptables-legacy", programs, "iptables-legacy-save", "-c"),
                Source.of("kernel/nftables", programs, "nft", "list", "ruleset"),
                Source.of("kernel/sockets", programs, "ss", "-tulnp"),
                Source.of("kernel/vxlan-offloads", programs, "ethtool", "-k", "flannel.1"),
                Source.of("kernel/sysctl", this::sysctls),
                Source.of("kernel/snmp", () -> read("proc/net/snmp")),
                Source.of("log/journal", programs, "journalctl", "--no-pager", "-o", "short-precise", "-u", "flanneld", "-n", "2000"));
    }

    private String read(String file) throws IOException {
        return SmallFiles.read(root.resolve(file), LIMIT_BYTES);
    }

    private String sysctls() throws IOException {
        StringBuilder text = new StringBuilder();
        Path folder = root.resolve("proc/sys");
        for (String pattern : SYSCTLS) {
            int star = pattern.indexOf("/*/");
            if (star < 0) {
                append(folder, folder.resolve(pattern), text);
                continue;
            }
            try (Stream<Path> each = Files.list(folder.resolve(pattern.substring(0, star)))) {
                each.sorted().forEach(one -> append(folder, one.resolve(pattern.substring(star + 3)), text));
            }
        }
        return text.toString();
    }

    private static void append(Path folder, Path file, StringBuilder text) {
        String name = folder.relativize(file).toString().replace('.', '/').replace('/', '.'); // as sysctl(8) prints it
        try {
            text.append(name).append(" = ").append(Files.readString(file).strip()).append('\n');
        } catch (IOException e) {
            text.append(name).append(": is not here\n");
        }
    }

    /** The command lines and variables of the flannelds and dockerds that run here. */
    private String processes() throws IOException {
        StringBuilder text = new StringBuilder();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(root.resolve("proc"), "[0-9]*")) {
            for (Path process : processes) {
                List<String> words = Processes.commandLine(process);
                if (words.getFirst().matches("(.*/)?(flanneld|dockerd)")) {
                    text.append("process ").append(process.getFileName()).append('\n')
                            .append(words.stream().map(HostSources::quoted).collect(Collectors.joining(" ", "    ", "\n")))
                            .append(variables(Processes.environment(process)));
                }
            }
        }
        return text.isEmpty() ? "no process is called flanneld or dockerd\n" : text.toString();
    }

    /** What is told of variables, each NAME=VALUE: only those that flanneld may care for have a value. */
    static String variables(List<String> variables) {
        return variables.stream().filter(variable -> variable.contains("=")).sorted().map(variable -> {
            String name = variable.substring(0, variable.indexOf('='));
            return "    " + (TOLD.matcher(name).matches() || Secrets.isSecret(name) ? quoted(variable) : name + " (its value is not told)") + "\n";
        }).collect(Collectors.joining());
    }

    /** One word for {@link Secrets}, whatever is in it. */
    private static String quoted(String word) {
        return '"' + word.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }
}
