package flannel.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * A host of the lab: a network namespace with eth0 on the lab's switch, and a /run, a /var/lib and a machine id of its own, that a
 * flanneld and containers run in. It outlives its daemons, as a host does.
 *
 * <pre>
 *   namespace hostN
 *   +---------------------------------------------------------+
 *   |  flanneld (its own mounts: /run, /var/lib, machine-id)  |
 *   |                                                         |       namespace containerN
 *   |  eth0 192.168.32.21N       docker0 10.1.83.1/24 --------+-----  eth0 10.1.83.2/24
 *   +---|-----------------------------------------------------+
 *       |
 *    switch
 * </pre>
 */
public final class Host implements AutoCloseable {

    private final NetworkNamespace namespace;
    private final String address;
    private final Path directory;
    private final Path program;
    private final List<NetworkNamespace> containers = new ArrayList<>();
    private Daemon daemon;

    /**
     * @param namespace with eth0 connected and addressed
     * @param directory of its own, where its /run and /var/lib are kept
     * @param program   the flanneld to run
     */
    Host(NetworkNamespace namespace, String address, Path directory, Path program) throws IOException {
        this.namespace = namespace;
        this.address = address;
        this.directory = directory;
        this.program = program;
        Files.createDirectories(directory.resolve("run"));
        Files.createDirectories(directory.resolve("var-lib"));
        Files.writeString(directory.resolve("machine-id"), String.format("%032x%n", 0xf1a77e1L << 32 | address.hashCode() & 0xFFFFFFFFL));
        namespace.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    }

    /** Where the other hosts reach it: the address of eth0. */
    public String address() {
        return address;
    }

    public NetworkNamespace namespace() {
        return namespace;
    }

    /** Runs a command on this host; a failure fails the test. */
    public String run(String... command) {
        return namespace.run(command);
    }

    /** A file of this host below /run or /var/lib, as seen from outside: {@code file("/run/flannel/subnet.env")}. */
    public Path file(String path) {
        return directory.resolve(path.startsWith("/run/") ? "run/" + path.substring(5) : "var-lib/" + path.substring("/var/lib/".length()));
    }

    /** Starts flanneld with these options (and no others) and remembers it as this host's daemon. */
    public Daemon start(List<String> options) throws IOException {
        return start(options, Map.of());
    }

    /** The same with an environment: {@code FLANNELD_...}. */
    public Daemon start(List<String> options, Map<String, String> environment) throws IOException {
        daemon = new Daemon(command("", options), environment, directory.resolve("notify"));
        return daemon;
    }

    /** The same after a piece of shell script, which sees this host's mounts and may add to them; they go with the daemon. */
    public Daemon startAfter(String script, List<String> options) throws IOException {
        daemon = new Daemon(command(script, options), Map.of(), directory.resolve("notify"));
        return daemon;
    }

    /** Runs flanneld with these options to its end: for what ends by itself, as -version. */
    public NetworkNamespace.Result flanneld(String... options) {
        return flanneldAfter("", options);
    }

    /** The same after a piece of shell script, see {@link #startAfter}. */
    public NetworkNamespace.Result flanneldAfter(String script, String... options) {
        return namespace.tryRun(command(script, List.of(options)).toArray(String[]::new));
    }

    /** {@code ip netns exec} gives a mount namespace of its own, so the mounts bother nobody and end with the process. */
    private List<String> command(String script, List<String> options) {
        List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", namespace.name(), "sh", "-c", """
                mount --bind "$0/run" /run && mount --bind "$0/var-lib" /var/lib || exit 99
                if [ -e /etc/machine-id ]; then mount --bind "$0/machine-id" /etc/machine-id; fi
                """ + script + "\n" + """
                exec "$@"
                """, directory.toString(), program.toString()));
        words.addAll(options);
        return words;
    }

    /** The daemon started last. */
    public Daemon daemon() {
        return daemon;
    }

    /** The variables of /run/flannel/subnet.env. */
    public Map<String, String> subnetEnv() throws IOException {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(file("/run/flannel/subnet.env"))) {
            properties.load(reader);
        }
        Map<String, String> variables = new HashMap<>();
        properties.forEach((name, value) -> variables.put((String) name, (String) value));
        return variables;
    }

    /** Writes the file as a daemon would have that ran here before. */
    public void writeSubnetEnv(String network, String subnet, int mtu) throws IOException {
        Files.createDirectories(file("/run/flannel"));
        Files.writeString(file("/run/flannel/subnet.env"), "FLANNEL_NETWORK=" + network + "\nFLANNEL_SUBNET=" + subnet
                + "\nFLANNEL_MTU=" + mtu + "\nFLANNEL_IPMASQ=false\n");
    }

    /** The host's subnet as in the lease: 10.1.83.0/24. */
    public String subnet() throws IOException {
        return subnetEnv().get("FLANNEL_SUBNET").replaceFirst("\\.1/", ".0/");
    }

    /** The network's device address and the middle of every container's address: 10.1.83. (with the last dot). */
    private String stem() throws IOException {
        String subnet = subnet();
        return subnet.substring(0, subnet.lastIndexOf('.') + 1);
    }

    /** Address of the first container. */
    public String containerAddress() throws IOException {
        return stem() + "2";
    }

    /** Sets docker0 up as Docker does with --bip and --mtu of subnet.env, and plugs a container into it. */
    public NetworkNamespace plugContainer() throws IOException {
        Map<String, String> env = subnetEnv();
        String mtu = env.get("FLANNEL_MTU");
        if (containers.isEmpty()) {
            run("ip", "link", "add", "docker0", "type", "bridge");
            run("ip", "address", "add", env.get("FLANNEL_SUBNET"), "dev", "docker0");
            run("ip", "link", "set", "docker0", "up");
        }
        int number = containers.size() + 2;
        NetworkNamespace container = NetworkNamespace.create("container");
        containers.add(container);
        container.connect("eth0", namespace, "veth" + number);
        run("ip", "link", "set", "veth" + number, "master", "docker0", "mtu", mtu);
        container.run("ip", "link", "set", "eth0", "mtu", mtu);
        container.run("ip", "address", "add", stem() + number + "/" + env.get("FLANNEL_SUBNET").replaceFirst(".*/", ""), "dev", "eth0");
        container.run("ip", "route", "add", "default", "via", stem() + "1");
        return container;
    }

    /** The first container, plugged in now if there is none. */
    public NetworkNamespace container() throws IOException {
        return containers.isEmpty() ? plugContainer() : containers.getFirst();
    }

    /** Takes containers and docker0 away again. */
    public void unplug() {
        for (int number = 2; number < containers.size() + 2; number++) {
            namespace.tryRun("ip", "link", "delete", "veth" + number);  // the kernel takes its time to clear a deleted namespace
        }
        containers.forEach(NetworkNamespace::close);
        if (!containers.isEmpty()) {
            run("ip", "link", "delete", "docker0");
        }
        containers.clear();
    }

    /** Ends the daemon and takes away everything that it left: the host is as new. */
    public void reset() throws IOException {
        resetKernel();
        Lab.deleteTree(directory.resolve("run"));
        Lab.deleteTree(directory.resolve("var-lib"));
        Files.createDirectories(directory.resolve("run"));
        Files.createDirectories(directory.resolve("var-lib"));
    }

    /** Ends the daemon and takes away what it left in the kernel; its files stay. */
    public void resetKernel() {
        if (daemon != null) {
            daemon.close();
        }
        unplug();
        for (String device : List.of("flannel.1", "flannel0")) {
            namespace.tryRun("ip", "link", "delete", device);
        }
        for (String origin : List.of("241", "boot")) {
            namespace.tryRun("ip", "route", "flush", "root", "10.0.0.0/8", "proto", origin);
        }
        for (String table : List.of("filter", "nat")) {
            run("iptables", "-w", "-t", table, "-F");
            run("iptables", "-w", "-t", table, "-X");
        }
        run("iptables", "-w", "-P", "FORWARD", "ACCEPT");
    }

    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
        containers.forEach(NetworkNamespace::close);
        namespace.close();
        try {
            Lab.deleteTree(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
