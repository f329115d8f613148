package flannel.lab.faults;

import flannel.lab.Etcd;
import flannel.lab.Host;
import flannel.lab.KernelView;
import flannel.lab.NetworkNamespace;
import flannel.lab.Store;
import flannel.lab.faults.Fault.Scene;
import flannel.lab.faults.Fault.Touches;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The faults there are: of daemons, of etcd, of the underlay, of disks, and by others who meddle with a host's kernel. */
final class Faults {

    /** A MAC of nobody: frames to it reach no one. */
    private static final String NOBODYS_MAC = "02:00:00:00:00:66";

    private Faults() {
    }

    /** Of those that come two at once, which are different ones each time. */
    private static final int PAIRS = 8;

    /** Those that a network with this backend and store can have. */
    static List<Fault> of(String backend, Store.Api api, RandomGenerator dice) {
        List<Fault> faults = new ArrayList<>(daemons());
        faults.addAll(etcd());
        faults.addAll(leases());
        faults.addAll(underlay());
        faults.addAll(disks());
        faults.addAll(meddling(backend));
        for (int i = 0; i < PAIRS; i++) {
            faults.add(twoAtOnce(backend, dice));
        }
        faults.addAll(AddressFaults.of(backend));
        faults.addAll(StoreFaults.of(api));
        faults.addAll(Clocks.all());
        if (api == Store.Api.V3) {
            faults.add(new Fault("etcd compacted", Touches.NOBODY, 10, Faults::compact));
        }
        return faults;
    }

    /** One of a host, and beside it one of etcd or of another host. */
    private static Fault twoAtOnce(String backend, RandomGenerator dice) {
        List<Fault> ofHost = new ArrayList<>(oneDaemon());
        ofHost.addAll(underlay());
        ofHost.addAll(disks());
        List<Fault> others = new ArrayList<>(ofHost);
        others.addAll(etcd());
        ofHost.addAll(leases());
        ofHost.addAll(meddling(backend));
        Fault first = ofHost.get(dice.nextInt(ofHost.size()));
        Fault second = others.get(dice.nextInt(others.size()));
        return first.with(second);
    }

    private static List<Fault> oneDaemon() {
        return List.of(
                new Fault("daemon killed", Touches.THE_DAEMON, 15, scene -> scene.a().daemon().kill(), Faults::startAgain),
                new Fault("daemon ended and started", Touches.THE_DAEMON, 15, scene -> scene.a().daemon().terminate(), Faults::startAgain),
                new Fault("daemon frozen", Touches.THE_DAEMON, 15, scene -> scene.a().daemon().signal("STOP"),
                        scene -> scene.a().daemon().signal("CONT")));
    }

    private static List<Fault> daemons() {
        List<Fault> faults = new ArrayList<>(oneDaemon());
        faults.addAll(List.of(
                new Fault("all daemons killed, all started at once", Touches.ALL_DAEMONS, 20, scene -> {
                    for (Host host : scene.cluster().hosts()) {
                        host.daemon().kill();
                    }
                }, scene -> {
                    for (Host host : scene.cluster().hosts()) {
                        host.start(scene.cluster().options());
                    }
                    for (Host host : scene.cluster().hosts()) {
                        host.daemon().awaitReady();
                    }
                }),
                new Fault("daemon killed and started while etcd is frozen", Touches.THE_DAEMON, 20, scene -> {
                    scene.cluster().etcd().all().forEach(member -> member.etcd().freeze());
                    scene.a().daemon().kill();
                    scene.a().start(scene.cluster().options());
                }, scene -> {
                    scene.cluster().etcd().all().forEach(member -> member.etcd().thaw());
                    scene.a().daemon().awaitReady();
                })));
        return faults;
    }

    private static void startAgain(Scene scene) throws IOException {
        scene.a().start(scene.cluster().options()).awaitReady();
    }

    private static List<Fault> etcd() {
        return List.of(
                new Fault("etcd member killed", Touches.NOBODY, 15, scene -> scene.member().etcd().kill(), scene -> scene.member().etcd().start()),
                new Fault("etcd member frozen", Touches.NOBODY, 15, scene -> scene.member().etcd().freeze(), scene -> scene.member().etcd().thaw()),
                leader("etcd leader killed", Etcd::kill, Etcd::start),
                leader("etcd leader frozen", Etcd::freeze, Etcd::thaw),
                new Fault("etcd member cut off from the others", Touches.NOBODY, 15, scene -> isolate(scene, true), scene -> isolate(scene, false)),
                new Fault("quorum lost", Touches.NOBODY, 20, scene -> others(scene).forEach(member -> member.etcd().kill()),
                        scene -> scene.cluster().etcd().together(member -> {
                            if (member != scene.member()) {
                                member.etcd().start();
                            }
                        })),
                new Fault("quorum frozen", Touches.NOBODY, 20, scene -> others(scene).forEach(member -> member.etcd().freeze()),
                        scene -> others(scene).forEach(member -> member.etcd().thaw())),
                new Fault("etcd wiped", Touches.NOBODY, 20, scene -> {
                    scene.cluster().etcd().whileDown(Etcd::wipe);
                    scene.cluster().etcd().awaitWritable();
                }, Faults::putConfig),
                new Fault("etcd restored from an older state", Touches.NOBODY, 20, scene -> {
                    Members etcd = scene.cluster().etcd();
                    etcd.whileDown(Etcd::backUp);
                    etcd.awaitWritable();
                    // no lease: one whose end is lost with this history, before a daemon has heard of it, stays until its own time is over
                    IntStream.range(0, 3).forEach(i -> etcd.store().put("of-a-lost-history", Integer.toString(i)));
                    etcd.whileDown(Etcd::restore);
                }),
                new Fault("config deleted", Touches.NOBODY, 15, scene -> scene.cluster().store().delete("config"), Faults::putConfig),
                new Fault("whole prefix deleted", Touches.NOBODY, 15, scene -> scene.cluster().store().deleteAll(), Faults::putConfig));
    }

    private static Fault leader(String name, Consumer<Etcd> plant, Consumer<Etcd> mend) {
        // who led is known by what is down at the end
        Members.Member[] leader = new Members.Member[1];
        return new Fault(name, Touches.NOBODY, 15, scene -> {
            leader[0] = scene.cluster().etcd().leader();
            plant.accept(leader[0].etcd());
        }, scene -> mend.accept(leader[0].etcd()));
    }

    private static List<Members.Member> others(Scene scene) {
        return scene.cluster().etcd().all().stream().filter(member -> member != scene.member()).toList();
    }

    private static void isolate(Scene scene, boolean cut) {
        for (Members.Member other : others(scene)) {
            cut(scene.member().machine, other.address, cut);
            cut(other.machine, scene.member().address, cut);
        }
    }

    private static void putConfig(Scene scene) {
        scene.cluster().store().put("config", scene.cluster().config());
    }

    private static void compact(Scene scene) throws Exception {
        Members.Member member = scene.member();
        long revision = member.machine.call(() -> {
            String answer = member.etcd().putV3("/lab/compacted", "x");
            return Long.parseLong(answer.replaceAll("(?s).*\"revision\":\"(\\d+)\".*", "$1"));
        });
        member.machine.call(() -> member.etcd().callV3("/kv/compaction", "{\"revision\":\"" + revision + "\"}"));
    }

    private static List<Fault> leases() {
        return List.of(
                new Fault("own lease deleted", Touches.THE_HOST, 15, scene -> scene.cluster().store().delete(key(scene.a()))),
                new Fault("own lease written over with junk", Touches.NOBODY, 15, scene -> scene.cluster().store().put(key(scene.a()), "junk")),
                new Fault("40 leases come and go", Touches.NOBODY, 20, scene -> {
                    Store store = scene.cluster().store();
                    IntStream.range(100, 140).forEach(i -> store.put("subnets/10.1." + i + ".0-24", lease(scene.cluster().backend(), i), 3_600));
                    IntStream.range(100, 140).forEach(i -> store.delete("subnets/10.1." + i + ".0-24"));
                }));
    }

    static String key(Host host) throws IOException {
        return "subnets/" + host.subnet().replace('/', '-');
    }

    /** As a host of the network has it that is not here. */
    static String lease(String backend, int number) {
        return "{\"PublicIP\":\"192.168.32." + number + "\"" + switch (backend) {
            case "vxlan" -> ",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"02:00:00:00:01:%02x\"}}".formatted(number);
            case "host-gw" -> ",\"BackendType\":\"host-gw\"}";
            default -> "}";
        };
    }

    private static List<Fault> underlay() {
        return List.of(
                new Fault("host cut off from etcd", Touches.NOBODY, 20, scene -> fromEtcd(scene, true), scene -> fromEtcd(scene, false)),
                new Fault("host cut off from a host", Touches.THE_PAIR, 15, scene -> {
                    cut(scene.a().namespace(), scene.b().address(), true);
                    cut(scene.b().namespace(), scene.a().address(), true);
                }, scene -> {
                    cut(scene.a().namespace(), scene.b().address(), false);
                    cut(scene.b().namespace(), scene.a().address(), false);
                }),
                new Fault("host cut off from a host one way", Touches.THE_PAIR, 15, scene -> cut(scene.a().namespace(), scene.b().address(), true),
                        scene -> cut(scene.a().namespace(), scene.b().address(), false)),
                new Fault("a third of what goes to etcd is lost", Touches.NOBODY, 20, scene -> loseToEtcd(scene, "-A"),
                        scene -> loseToEtcd(scene, "-D")),
                new Fault("slow link", Touches.THE_HOST, 20,
                        scene -> scene.a().run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "96kbit", "burst", "3000", "latency", "400ms"),
                        scene -> scene.a().run("tc", "qdisc", "del", "dev", "eth0", "root")),
                new Fault("a tenth of what the host gets is lost", Touches.THE_HOST, 20, scene -> lose(scene, "-A"), scene -> lose(scene, "-D")),
                new Fault("everything to another host comes twice", Touches.NOBODY, 15, scene -> twice(scene, "-A"), scene -> twice(scene, "-D")),
                new Fault("eth0 down", Touches.THE_HOST, 20, scene -> scene.a().run("ip", "link", "set", "eth0", "down"), Faults::up),
                new Fault("eth0 without address", Touches.THE_HOST, 20, scene -> scene.a().run("ip", "address", "flush", "dev", "eth0"),
                        scene -> {
                            scene.a().run("ip", "address", "add", scene.a().address() + "/24", "dev", "eth0");
                            defaultRoute(scene);
                        }),
                new Fault("eth0 renamed", Touches.THE_HOST, 20, scene -> rename(scene, "eth0", "eth9"), scene -> rename(scene, "eth9", "eth0")));
    }

    /** By a wrong neighbour: what is sent there, by ourselves or through us, reaches nobody. */
    private static void cut(NetworkNamespace from, String to, boolean cut) {
        if (cut) {
            from.run("ip", "neighbour", "replace", to, "lladdr", NOBODYS_MAC, "dev", "eth0", "nud", "permanent");
        } else {
            from.tryRun("ip", "neighbour", "del", to, "dev", "eth0"); // another fault may have taken it
        }
    }

    private static void fromEtcd(Scene scene, boolean cut) {
        for (Members.Member member : scene.cluster().etcd().all()) {
            cut(scene.a().namespace(), member.address, cut);
            cut(member.machine, scene.a().address(), cut);
        }
    }

    private static void loseToEtcd(Scene scene, String change) {
        for (Members.Member member : scene.cluster().etcd().all()) {
            member.machine.run("iptables", "-w", change, "INPUT", "-p", "tcp", "--dport", "2379", "-m", "statistic", "--mode", "random",
                    "--probability", "0.33", "-j", "DROP");
        }
    }

    private static void lose(Scene scene, String change) {
        scene.a().run("iptables", "-w", "-t", "mangle", change, "PREROUTING", "-i", "eth0", "-m", "statistic", "--mode", "random", "--probability", "0.1",
                "-j", "DROP");
    }

    private static void twice(Scene scene, String change) {
        scene.a().run("iptables", "-w", "-t", "mangle", change, "POSTROUTING", "-o", "eth0", "-d", scene.b().address(), "-j", "TEE", "--gateway",
                scene.b().address());
    }

    private static void up(Scene scene) {
        scene.a().run("ip", "link", "set", "eth0", "up");
        defaultRoute(scene);
    }

    static void defaultRoute(Scene scene) {
        scene.a().run("ip", "route", "replace", "default", "via", scene.cluster().gateway());
    }

    private static void rename(Scene scene, String from, String to) {
        scene.a().run("ip", "link", "set", from, "down");
        scene.a().run("ip", "link", "set", from, "name", to);
        scene.a().run("ip", "link", "set", to, "up");
        defaultRoute(scene);
    }

    private static List<Fault> disks() {
        return List.of(
                full("/run/flannel"), full("/var/lib/flannel"),
                new Fault("/run read-only", Touches.NOBODY, 15, scene -> remount(scene, "/run", "ro"), scene -> remount(scene, "/run", "rw")),
                new Fault("/var/lib read-only", Touches.NOBODY, 15, scene -> remount(scene, "/var/lib", "ro"),
                        scene -> remount(scene, "/var/lib", "rw")));
    }

    /** A disk with no room for a byte, in the daemon's own mounts; what was there is not seen. */
    private static Fault full(String folder) {
        return new Fault(folder + " on a full disk", Touches.NOBODY, 15, scene -> {
            inMounts(scene, "mount -t tmpfs -o size=4k flt-full " + folder + " && head -c 4096 /dev/zero > " + folder + "/full");
            scene.cluster().store().put(key(scene.a()), "junk");
        }, scene -> inMounts(scene, "umount -l " + folder));
    }

    private static void inMounts(Scene scene, String script) {
        scene.a().run("nsenter", "--target", Long.toString(scene.a().daemon().pid()), "--mount", "sh", "-c", script);
    }

    /** In the daemon's own mounts; its lease is written meanwhile, so that it has something to tell. */
    private static void remount(Scene scene, String folder, String mode) throws Exception {
        inMounts(scene, "mount -o remount,bind," + mode + " " + folder);
        scene.cluster().store().put(key(scene.a()), "junk");
    }

    /** One command each, of another program or a person. */
    private static List<Fault> meddling(String backend) {
        List<Fault> faults = new ArrayList<>();
        List<String> commands = switch (backend) {
            case "vxlan" -> List.of(
                    "ip route del PEER/24",
                    "ip route replace PEER/24 via GATEWAY dev eth0",
                    "ip route flush dev flannel.1",
                    "ip neighbour flush dev flannel.1 nud permanent",
                    "ip neighbour replace PEER lladdr 02:00:00:00:00:01 dev flannel.1 nud permanent",
                    "bridge fdb replace MAC dev flannel.1 dst 192.168.32.99 self permanent",
                    "ip address flush dev flannel.1",
                    "ip link set flannel.1 mtu 1400",
                    "ip link set flannel.1 down",
                    "ip link set flannel.1 address 02:00:00:00:00:02",
                    "ip link del flannel.1");
            case "host-gw" -> List.of("ip route del PEER/24", "ip route replace PEER/24 via GATEWAY dev eth0");
            default -> List.of("ip route flush dev flannel0", "ip link set flannel0 down", "ip link set flannel0 mtu 1400");
        };
        for (String command : commands) {
            faults.add(new Fault(command, Touches.THE_HOST, 15, scene -> scene.a().run(words(command, scene))));
        }
        faults.add(new Fault("iptables -F FLANNEL-FWD", Touches.NOBODY, 15, scene -> scene.a().run("iptables", "-w", "-F", "FLANNEL-FWD")));
        faults.add(new Fault("a flood of netlink", Touches.NOBODY, 20, Faults::flood));
        faults.add(new Fault("netlink overrun, and a route lost in it", Touches.THE_HOST, 20, scene -> {
            scene.a().daemon().signal("STOP");
            flood(scene);
            scene.a().run("ip", "route", "flush", "dev", device(backend), "proto", "241");
            flood(scene);
        }, scene -> scene.a().daemon().signal("CONT")));
        return faults;
    }

    private static String device(String backend) {
        return switch (backend) {
            case "vxlan" -> "flannel.1";
            case "host-gw" -> "eth0";
            default -> "flannel0";
        };
    }

    private static String[] words(String command, Scene scene) throws Exception {
        String mac = command.contains("MAC") ? KernelView.vtepMac(scene.b()) : "";
        return command.replace("PEER", scene.b().subnet().replace("/24", "")).replace("MAC", mac)
                .replace("GATEWAY", scene.cluster().gateway()).split(" ");
    }

    /** More notifications at once than a socket's buffer holds. */
    private static void flood(Scene scene) throws IOException {
        String all = IntStream.range(0, 4_000).mapToObj(i -> "172.29." + i / 250 + "." + i % 250 + " via 172.30.0.2")
                .map(route -> "route add " + route + "\n").collect(Collectors.joining());
        var batch = Files.createTempFile("flt-flood", ".txt");
        try {
            Files.writeString(batch, all + all.replace("add", "del") + all + all.replace("add", "del"), StandardCharsets.UTF_8);
            scene.a().run("ip", "-batch", batch.toString());
        } finally {
            Files.delete(batch);
        }
    }
}
