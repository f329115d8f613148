package flannel.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The tutorial's machines as network namespaces of this one: a switch, a real etcd, and as many hosts as a test asks for. Nothing of the
 * machine's own network is touched, and nothing stays: not at the end, not after a failure, and what a killed run left goes at the next start.
 *
 * <pre>
 *    host 1             host 2             host 3 ...           etcd
 *    eth0 .211          eth0 .212          eth0 .213+...        eth0 192.168.32.213
 *      |                  |                  |                    |
 *    +-+------------------+------------------+--------------------+-+
 *    |  br0 192.168.32.1/24: the underlay, and the world outside     |     namespace switch
 *    +---------------------------------------------------------------+
 * </pre>
 */
public final class Lab implements AutoCloseable {

    /** The etcd prefix of the tutorial. */
    public static final String PREFIX = "/atomic.io/network";

    private static final String DIRECTORY_PREFIX = "flt-lab-";
    private static final String ETCD_ADDRESS = "192.168.32.213";
    private static final String GATEWAY = "192.168.32.1";

    private final Path directory;
    private final Path program;
    private final NetworkNamespace outside;
    /** Null without an etcd, and so the next two. */
    private NetworkNamespace etcdNamespace;
    private Etcd etcd;
    private Store store;
    private final Map<Integer, Host> hosts = new TreeMap<>();
    private final Thread atExit = new Thread(this::atExit);

    /**
     * Builds switch and etcd. A test is skipped where that can't be done.
     *
     * @param api     which of etcd's two stores the network's configuration and leases are in
     * @param program the flanneld that the hosts run
     */
    public Lab(Store.Api api, Path program) throws IOException {
        this(program);
        etcdNamespace = machine("etcd", ETCD_ADDRESS);
        etcd = Etcd.startIn(etcdNamespace.name(), ETCD_ADDRESS, "--enable-v2");
        store = Store.of(api, etcd, etcdNamespace, PREFIX);
    }

    private Lab(Path program) throws IOException {
        removeLeftovers();
        this.program = program;
        directory = Files.createTempDirectory(DIRECTORY_PREFIX + ProcessHandle.current().pid() + "-");
        outside = NetworkNamespace.create("switch");
        outside.run("ip", "link", "add", "br0", "type", "bridge");
        outside.run("ip", "address", "add", GATEWAY + "/24", "dev", "br0");
        outside.run("ip", "link", "set", "br0", "up");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Builds a switch alone: for hosts that ask {@link #server}, or an etcd of {@link #machine}s. */
    public static Lab withoutEtcd(Path program) throws IOException {
        return new Lab(program);
    }

    /** A host in etcd's place, for a server that keeps its own store. */
    Host server() throws IOException {
        return host(0, program, ETCD_ADDRESS);
    }

    /** The flanneld that {@code ./build.sh} made. */
    public static Path built() {
        return Path.of("build/flanneld").toAbsolutePath();
    }

    /** A folder that goes with the lab. */
    public Path folder(String name) throws IOException {
        return Files.createDirectory(directory.resolve(name));
    }

    /** A machine on the switch that is no host; whoever asks for it closes it. */
    public NetworkNamespace machine(String role, String address) {
        NetworkNamespace namespace = NetworkNamespace.create(role);
        plug(namespace, address);
        return namespace;
    }

    private void plug(NetworkNamespace namespace, String address) {
        String port = "port" + address.substring(address.lastIndexOf('.') + 1);
        namespace.connect("eth0", outside, port);
        outside.run("ip", "link", "set", port, "master", "br0");
        namespace.run("ip", "address", "add", address + "/24", "dev", "eth0");
        namespace.run("ip", "route", "add", "default", "via", GATEWAY);
    }

    /** Takes a host's network card out, whatever it is called by now, and puts another one in its place. */
    public void replug(Host host) {
        outside.run("ip", "link", "delete", "port" + host.address().substring(host.address().lastIndexOf('.') + 1));
        plug(host.namespace(), host.address());
    }

    /** Host number 1, 2, 3 ...: made when it is first asked for. Its address is 192.168.32.211, .212, .221 (.213 is etcd's), .222 ... */
    public Host host(int number) throws IOException {
        return host(number, program);
    }

    /** The same for a host that runs another flanneld. */
    public Host host(int number, Path program) throws IOException {
        return host(number, program, "192.168.32." + (number <= 2 ? 210 + number : number <= 30 ? 218 + number : number));
    }

    private Host host(int number, Path program, String address) throws IOException {
        Host host = hosts.get(number);
        if (host == null) {
            host = new Host(machine("host" + number, address), address, directory.resolve("host" + number), program);
            hosts.put(number, host);
        }
        return host;
    }

    /** Starts flanneld on each of these hosts, all at a time, and waits until they are ready. */
    public void startAll(Host... started) throws IOException {
        for (Host host : started) {
            host.start(options());
        }
        for (Host host : started) {
            host.daemon().awaitReady();
        }
    }

    /** Ends every daemon and takes away what they left on the hosts and in the store. */
    public void reset() throws IOException {
        for (Host host : hosts.values()) {
            host.reset();
        }
        store.leases().forEach(key -> store.delete("subnets/" + key));
        store.delete("config");
    }

    /** The options every daemon of this lab is started with, and more. */
    public List<String> options(String... more) {
        List<String> options = new ArrayList<>(List.of("-etcd-endpoints=" + etcd.endpoint(), "-etcd-prefix=" + PREFIX));
        options.addAll(List.of(more));
        return options;
    }

    public Store store() {
        return store;
    }

    /** The other of etcd's two stores, or the same. */
    public Store store(Store.Api other) {
        return Store.of(other, etcd, etcdNamespace, PREFIX);
    }

    public Etcd etcd() {
        return etcd;
    }

    /** A server at the address of the stopped etcd that answers everything with 200 and this; see {@link JunkServer#startIn}. */
    public JunkServer junkInPlaceOfEtcd(String json, String endless) throws Exception {
        return JunkServer.startIn(etcdNamespace, etcd.endpoint(), json, endless);
    }

    /** The world outside the overlay: the switch's own address is the hosts' default gateway. It knows no route to containers. */
    public NetworkNamespace outside() {
        return outside;
    }

    public String gateway() {
        return GATEWAY;
    }

    @Override
    public void close() {
        takeDown();
        Runtime.getRuntime().removeShutdownHook(atExit);
    }

    /** Ctrl-C, or the end of a test run that closed nothing: what is half made is found by its name. */
    private void atExit() {
        takeDown();
        NetworkNamespace.closeAll();
    }

    private synchronized void takeDown() {
        hosts.values().forEach(Host::close);
        hosts.clear();
        if (etcd != null) {
            etcd.close();
        }
        if (etcdNamespace != null) {
            etcdNamespace.close();
        }
        outside.close();
        try {
            deleteTree(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void removeLeftovers() throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(Path.of(System.getProperty("java.io.tmpdir")), DIRECTORY_PREFIX + "*")) {
            for (Path folder : folders) {
                if (ProcessHandle.of(Long.parseLong(folder.getFileName().toString().split("-")[2])).isEmpty()) {
                    deleteTree(folder);
                }
            }
        }
    }

    static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
