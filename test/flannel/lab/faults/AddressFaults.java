package flannel.lab.faults;

import flannel.lab.Await;
import flannel.lab.Host;
import flannel.lab.NetworkNamespace;
import flannel.lab.Store;
import flannel.lab.faults.Fault.Scene;
import flannel.lab.faults.Fault.Touches;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Hosts whose address or subnet becomes another one, or another host's. */
final class AddressFaults {

    private static final String FREE = "192.168.32.240";
    private static final int STRANGER = 99;

    private AddressFaults() {
    }

    static List<Fault> of(String backend) {
        List<Fault> faults = new ArrayList<>(List.of(
                new Fault("eth0 renumbered, and back", Touches.THE_HOST, 25, scene -> {
                    renumber(scene, scene.a().address(), FREE);
                    scene.cluster().traffic().awaitAllTalk();
                    String key = Faults.key(scene.a());
                    Await.that("the lease names " + FREE, () -> String.valueOf(scene.cluster().store().get(key)).contains(FREE));
                }, scene -> renumber(scene, FREE, scene.a().address())),
                new Fault("two hosts with one address", (scene, loss) -> Touches.THE_HOST.allows(scene, loss)
                        || Touches.THE_HOST.allows(scene.swapped(), loss), 25,
                        scene -> renumber(scene, scene.a().address(), scene.b().address()),
                        AddressFaults::apart),
                stranger()));
        if (!backend.equals("host-gw")) {               // which refuses a public address that is not its interface's
            faults.add(new Fault("two hosts with one public address", Touches.THE_HOST, 20, AddressFaults::doubled, AddressFaults::restart));
        }
        return faults;
    }

    private static void renumber(Scene scene, String from, String to) {
        scene.a().run("ip", "address", "del", from + "/24", "dev", "eth0");
        scene.a().run("ip", "address", "add", to + "/24", "dev", "eth0");
        Faults.defaultRoute(scene);
    }

    /** Back to its own address; that all others still believe the other one to be here is not the daemons' to mend. */
    private static void apart(Scene scene) {
        renumber(scene, scene.b().address(), scene.a().address());
        List<NetworkNamespace> all = new ArrayList<>(scene.cluster().hosts().stream().map(Host::namespace).toList());
        scene.cluster().etcd().all().forEach(member -> all.add(member.machine));
        for (NetworkNamespace machine : all) {
            machine.run("ip", "neighbour", "flush", "dev", "eth0");
        }
    }

    /** As a copied configuration file does: both keep their subnets, and what is sent to the first one goes astray. */
    private static void doubled(Scene scene) throws Exception {
        List<String> options = new ArrayList<>(scene.cluster().options());
        options.add("-public-ip=" + scene.b().address());
        String subnet = scene.a().subnet();
        scene.a().daemon().terminate();
        scene.a().start(options).awaitReady();
        Store store = scene.cluster().store();
        for (Host host : List.of(scene.a(), scene.b())) {
            if (!scene.a().subnet().equals(subnet) || !String.valueOf(store.get(Faults.key(host))).contains(scene.b().address())) {
                throw new AssertionError(host.address() + " lost its subnet to a host with its address");
            }
        }
    }

    private static void restart(Scene scene) throws Exception {
        scene.a().daemon().terminate();
        scene.a().start(scene.cluster().options()).awaitReady();
    }

    /** It takes another subnet then, and leaves the stranger's lease as it is. At the end the stranger goes, and the disk is as before. */
    private static Fault stranger() {
        Map<Path, String> files = new HashMap<>();
        String[] key = new String[1];
        return new Fault("away for so long that another host has the subnet", Touches.THE_HOST, 20, scene -> {
            key[0] = Faults.key(scene.a());
            for (String name : List.of("/run/flannel/subnet.env", "/var/lib/flannel/subnet.env")) {
                Path file = scene.a().file(name);
                files.put(file, Files.readString(file));
            }
            scene.a().daemon().kill();
            String lease = Faults.lease(scene.cluster().backend(), STRANGER);
            scene.cluster().store().put(key[0], lease, 3_600);
            scene.a().start(scene.cluster().options()).awaitReady();
            if (Faults.key(scene.a()).equals(key[0]) || !lease.equals(scene.cluster().store().get(key[0]))) {
                throw new AssertionError(scene.a().address() + " took the subnet that a stranger has: " + key[0]);
            }
        }, scene -> {
            scene.a().daemon().kill();
            scene.cluster().store().delete(Faults.key(scene.a()));
            scene.cluster().store().delete(key[0]);
            for (Map.Entry<Path, String> file : files.entrySet()) {
                Files.writeString(file.getKey(), file.getValue());
            }
            scene.a().start(scene.cluster().options()).awaitReady();
        });
    }
}
