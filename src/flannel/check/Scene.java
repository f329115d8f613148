package flannel.check;

import flannel.backend.Backend;
import flannel.backend.HostGwBackend;
import flannel.backend.UnusablePeerException;
import flannel.backend.VxlanBackend;
import flannel.backend.udp.UdpConfig;
import flannel.etcd.EtcdSurvey;
import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.kernel.DesiredState;
import flannel.kernel.Found;
import flannel.kernel.Inspection;
import flannel.kernel.KernelEntry;
import flannel.kernel.Underlay;
import flannel.kernel.UnderlayException;
import flannel.kernel.Underlays;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.NetworkConfig;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import flannel.programs.Programs;
import flannel.status.NetworkStatus;
import flannel.status.Status;
import flannel.status.StatusClient;
import flannel.status.StatusJson;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Everything that the questions are about, read once.
 *
 * @param daemon       what the running daemon tells; null when it does not
 * @param silence      why it does not; empty when it does
 * @param etcd         null when the leases are elsewhere
 * @param store        the store of etcd's two that counts; null likewise, and when none can be read
 * @param config       null when there is none, or none that can be used
 * @param configError  why not, empty when it can, or there is none
 * @param underlay     null when there is none
 * @param underlayError why not
 * @param own          this host's lease as the store has it; null for none
 * @param kernel       how the kernel differs from what the leases want; null when that is not known
 * @param subnetFile   its text; null when it is not there
 */
record Scene(Setup setup, Status daemon, String silence, EtcdSurvey etcd, EtcdSurvey.Store store, NetworkConfig config, String configError,
        Underlay underlay, String underlayError, Lease own, Inspection kernel, List<Found.Link> links, List<Found.Address> addresses,
        List<Found.Route> routes, String subnetFile) {

    /** Of this host. */
    static final Programs PROGRAMS = Programs.ofPath(System.getenv().getOrDefault("PATH", ""), Duration.ofSeconds(3));

    private static final int LONGEST_FILE = 4_096;

    /** Looks at everything. */
    static Scene look(Setup setup, Log log) throws InterruptedException {
        Underlay underlay = null;
        String underlayError = "";
        try {
            underlay = Underlays.choose(setup.underlay());
        } catch (UnderlayException e) {
            underlayError = e.getMessage();
        }
        EtcdSurvey etcd = setup.etcd() == null ? null : EtcdSurvey.of(setup.etcd(), log);
        EtcdSurvey.Store store = etcd == null ? null : counting(etcd, setup.etcd().api());
        NetworkConfig config = null;
        String configError = "";
        if (store != null && store.config() != null) {
            try {
                config = NetworkConfig.parse(store.config());
                refuse(config, underlay);
            } catch (IllegalArgumentException e) {
                config = null;
                configError = e.getMessage();
            }
        }
        Status daemon = null;
        String silence = "";
        try {
            daemon = StatusJson.read(StatusClient.ask(setup.socket()));
        } catch (IOException e) {
            silence = e.getMessage();
        }
        String subnetFile = read(setup.subnetFile());
        Lease own = underlay == null || store == null ? null
                : own(store, setup.publicIp() == null ? underlay.address() : setup.publicIp(), subnetOf(subnetFile)).orElse(null);
        try {
            Inspection kernel = config == null || underlay == null || own == null || !config.network().contains(own.subnet()) ? null
                    : inspect(config, setup.unreachable(), underlay, own, store.entries());
            return new Scene(setup, daemon, silence, etcd, store, config, configError, underlay, underlayError, own, kernel, Inspection.links(),
                    Inspection.addresses(), Inspection.routes(), subnetFile);
        } catch (SystemCallException e) {
            throw new IllegalStateException("cannot read the kernel's tables: " + e.getMessage(), e);
        }
    }

    /** @throws IllegalArgumentException with one sentence when a member of Backend can't be used */
    private static void refuse(NetworkConfig config, Underlay underlay) {
        switch (config.backendType()) {
            case "vxlan" -> VxlanBackend.link(config, underlay == null ? new Underlay("", 0, new Ipv4(0), new Ipv4Subnet(new Ipv4(0), 0),
                    1500, new MacAddress(0))
                    : underlay, new MacAddress(0));
            case "udp" -> UdpConfig.of(config);
            case "host-gw", "alloc", "aws-vpc", "gce" -> { }
            default -> throw new IllegalArgumentException("unknown backend type: " + config.backendType());
        }
    }

    /** The one that a daemon would go by: the one asked for, else the one with the config. */
    private static EtcdSurvey.Store counting(EtcdSurvey etcd, String api) {
        return etcd.stores().stream().filter(store -> store.config() != null && (api.equals("auto") || store.api().equals(api)))
                .findFirst().orElse(null);
    }

    private static Optional<Lease> own(EtcdSurvey.Store store, Ipv4 publicIp, Ipv4Subnet told) {
        List<Lease> ours = store.entries().stream().filter(Lease.class::isInstance).map(Lease.class::cast)
                .filter(lease -> lease.attributes().publicIp().equals(publicIp)).toList();
        return ours.stream().filter(lease -> lease.subnet().equals(told)).findFirst().or(() -> ours.stream().findFirst());
    }

    /** Null for backends whose entries are not told by the leases alone. */
    private static Inspection inspect(NetworkConfig config, boolean unreachable, Underlay underlay, Lease own, List<Entry> entries) throws SystemCallException {
        Backend backend;
        MacAddress mac = null;
        try {
            switch (config.backendType()) {
                case "vxlan" -> {
                    mac = MacAddress.parse(own.attributes().backendText("VtepMAC"));
                    backend = new VxlanBackend(underlay, VxlanBackend.link(config, underlay, mac), VxlanBackend.directRouting(config));
                }
                case "host-gw" -> backend = new HostGwBackend(underlay, own.attributes().publicIp());
                default -> {
                    return null;
                }
            }
        } catch (IllegalArgumentException e) {
            return null; // the daemon says so, and has none either
        }
        List<KernelEntry> wanted = new ArrayList<>(backend.local(own.subnet()));
        for (Entry entry : entries) {
            if (entry instanceof Lease lease && config.network().contains(lease.subnet()) && lease.attributes().publicIp().isUnicast()
                    && !lease.attributes().publicIp().equals(own.attributes().publicIp())) {
                try {
                    wanted.addAll(backend.towards(lease));
                } catch (UnusablePeerException e) {
                    // told of by a question of its own
                }
            }
        }
        if (unreachable) {
            wanted.add(new KernelEntry.Unreachable(config.network()));
        }
        return Inspection.of(new DesiredState(config.network(), config.subnetLength(), underlay.name(), backend.link(), wanted, Set.of()), mac);
    }

    /** Null when it can't be read. */
    static String read(Path file) {
        try {
            return SmallFiles.find(file, LONGEST_FILE).orElse(null);
        } catch (FileException e) {
            return null;
        }
    }

    /** A value of subnet.env; null for none. */
    static String value(String file, String name) {
        return file == null ? null : file.lines().filter(line -> line.startsWith(name + "="))
                .map(line -> line.substring(name.length() + 1).replace("\"", "").strip()).findFirst().orElse(null);
    }

    static Ipv4Subnet subnetOf(String file) {
        String subnet = value(file, "FLANNEL_SUBNET");
        try {
            return subnet == null ? null : Ipv4Subnet.parse(subnet);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** The other hosts' leases. */
    List<Lease> peers() {
        return store == null ? List.of() : store.entries().stream().filter(Lease.class::isInstance).map(Lease.class::cast)
                .filter(lease -> own == null || !lease.attributes().publicIp().equals(own.attributes().publicIp())).toList();
    }

    /** What the daemon tells of the network that is looked at; null when it does not. */
    NetworkStatus.Known network() {
        return daemon == null ? null : daemon.networks().stream().filter(NetworkStatus.Known.class::isInstance).map(NetworkStatus.Known.class::cast)
                .filter(known -> known.name().equals(setup.network())).findFirst().orElse(null);
    }

    /** By name; empty for none. */
    Optional<Found.Link> link(String name) {
        return links.stream().filter(link -> link.name().equals(name)).findFirst();
    }

    /** UDP port that the hosts speak to each other by; 0 for none. */
    int port() {
        return config == null ? 0 : switch (config.backendType()) {
            case "vxlan" -> config.backendInteger("Port", 0, 0, 65_535) == 0 ? 8472 : config.backendInteger("Port", 0, 0, 65_535);
            case "udp" -> UdpConfig.of(config).port();
            default -> 0;
        };
    }

    /** Network identifier of vxlan. */
    int vni() {
        return config.backendInteger("VNI", 1, 0, (1 << 24) - 1);
    }

    /** Of the network, in bytes: what its device takes, else the interface to the other hosts. */
    int mtu() {
        return link(device()).map(Found.Link::mtu).orElse(underlay.mtu());
    }

    /** Name of the network's own device; empty for backends without one. */
    String device() {
        return switch (config.backendType()) {
            case "vxlan" -> "flannel." + vni();
            case "udp" -> own == null ? "flannel0" : links.stream().filter(link -> link.name().matches("flannel\\d+") && addresses.stream()
                    .anyMatch(address -> address.index() == link.index() && address.address().equals(own.subnet().base())))
                    .map(Found.Link::name).findFirst().orElse("flannel0"); // or whichever was free
            default -> "";
        };
    }

    /** Of all devices, by index. */
    Map<Integer, String> names() {
        Map<Integer, String> names = new HashMap<>();
        links.forEach(link -> names.put(link.index(), link.name()));
        return names;
    }
}
