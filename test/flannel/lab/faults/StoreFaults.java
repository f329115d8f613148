package flannel.lab.faults;

import flannel.lab.Etcd;
import flannel.lab.Host;
import flannel.lab.Lab;
import flannel.lab.Store;
import flannel.lab.faults.Fault.Scene;
import flannel.lab.faults.Fault.Touches;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

/** What a store does to hosts while it works: it lets nobody in, is asked through a proxy, or tells of thousands of leases a minute. */
final class StoreFaults {

    private static final String ROOT = "root:r";

    private static final List<String> LOCK = List.of("user add " + ROOT, "auth enable");
    private static final List<String> UNLOCK = List.of("--user " + ROOT + " auth disable", "user delete root", "role delete root");

    /** A burst of lines of one place in the program, as the log admits them. */
    private static final int BURST = 1_200;

    /** Of the leases that come and go. */
    private static final int FIRST = 100;
    private static final int NUMBERS = 100;
    private static final int AT_A_TIME = 20;

    private StoreFaults() {
    }

    static List<Fault> of(Store.Api api) {
        return api == Store.Api.V2 ? List.of(churn(), locked(
                List.of("user add " + ROOT, "auth enable", "--username " + ROOT + " role revoke guest --path /* --readwrite"),
                List.of("--username " + ROOT + " auth disable", "user remove root", "role remove guest"), "2"), proxy(), certificates())
                : List.of(churn(), locked(LOCK, UNLOCK, "3"), tokens(), certificates());
    }

    /** Those who give no user may do nothing any more, until they may again. */
    private static Fault locked(List<String> lock, List<String> unlock, String api) {
        return new Fault("etcd lets nobody in", Touches.NOBODY, 15, scene -> etcdctl(scene, api, lock), scene -> etcdctl(scene, api,
                unlock));
    }

    /** One who gives a user goes on, by a new token whenever the last one is over; all others wait. */
    private static Fault tokens() {
        return new Fault("etcd demands users, whose tokens soon end", Touches.THE_DAEMON, 15, scene -> {
            Host host = scene.a();
            Path password = host.file("/run/etcd-password");
            Files.writeString(password, "r");
            Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-------"));
            List<String> options = new ArrayList<>(scene.cluster().options());
            options.addAll(List.of("-etcd-username=root", "-etcd-password-file=" + password));
            etcdctl(scene, "3", LOCK);
            host.daemon().terminate();
            host.start(options).awaitReady();
            for (int i = 0; i < 2; i++) {
                Thread.sleep((Members.TOKEN_SECONDS + 1) * 1_000L);
                String key = Lab.PREFIX + "/" + Canary.key();
                Canary.await(scene.cluster(), List.of(host), true,
                        () -> scene.member().etcd().etcdctl("3", "--user", ROOT, "put", key, Canary.lease(scene.cluster())));
                Canary.await(scene.cluster(), List.of(host), false, () -> scene.member().etcd().etcdctl("3", "--user", ROOT, "del", key));
            }
        }, scene -> etcdctl(scene, "3", UNLOCK));
    }

    /** The daemon speaks TLS then, until another fault ends it. Connections last, so they are cut for the change to be seen. */
    private static Fault certificates() {
        return new Fault("etcd's certificate and its authority replaced", Touches.THE_DAEMON, 20, scene -> {
            Members etcd = scene.cluster().etcd();
            scene.a().daemon().terminate();
            scene.a().start(List.of("-etcd-endpoints=" + etcd.securedEndpoints(), "-etcd-cafile=" + etcd.certificates().authority(),
                    scene.cluster().options().getLast())).awaitReady();
        }, scene -> {
            scene.cluster().etcd().certificates().replace();
            reset(scene, "-I");
            Thread.sleep(1_500);
            reset(scene, "-D");
        });
    }

    private static void reset(Scene scene, String change) {
        scene.cluster().etcd().all().forEach(member -> member.machine.run("iptables", "-w", change, "INPUT", "-p", "tcp", "--dport",
                Integer.toString(Members.TLS_PORT), "-j", "REJECT", "--reject-with", "tcp-reset"));
    }

    private static void etcdctl(Scene scene, String api, List<String> commands) {
        commands.forEach(command -> scene.member().etcd().etcdctl(api, command.split(" ")));
    }

    private static Fault proxy() {
        Etcd[] proxy = new Etcd[1];
        return new Fault("host asks etcd through its proxy", Touches.THE_DAEMON, 20, scene -> {
            String members = scene.cluster().etcd().all().stream().map(member -> member.name + "=http://" + member.address + ":2380")
                    .collect(Collectors.joining(","));
            proxy[0] = Etcd.startIn(scene.a().namespace().name(), "127.0.0.1", "--proxy=on", "--initial-cluster=" + members);
            scene.a().daemon().terminate();
            scene.a().start(List.of("-etcd-endpoints=" + proxy[0].endpoint(), scene.cluster().options().getLast())).awaitReady();
            scene.cluster().store().put(Faults.key(scene.a()), "junk"); // so that it has something to hear and to write
        }, scene -> {
            scene.a().daemon().terminate();
            proxy[0].close();
            scene.a().start(scene.cluster().options()).awaitReady();
        });
    }

    /** One after the other as fast as etcd writes, some of them at a time. */
    private static Fault churn() {
        AtomicReference<Thread> writer = new AtomicReference<>();
        AtomicBoolean stop = new AtomicBoolean();
        return new Fault("leases come and go without a pause", Touches.NOBODY, 25, BURST, scene -> {
            stop.set(false);
            writer.set(Thread.ofPlatform().daemon().name("churn").start(() -> churn(scene, stop)));
        }, scene -> {
            stop.set(true);
            writer.get().join();
        });
    }

    private static void churn(Scene scene, AtomicBoolean stop) {
        Store store = scene.cluster().store();
        int number = 0;
        for (; !stop.get(); number++) {
            store.put(key(number), Faults.lease(scene.cluster().backend(), FIRST + number % NUMBERS), 3_600);
            if (number >= AT_A_TIME) {
                store.delete(key(number - AT_A_TIME));
            }
        }
        for (int last = Math.max(0, number - AT_A_TIME); last < number; last++) {
            store.delete(key(last));
        }
    }

    private static String key(int number) {
        return "subnets/10.1." + (FIRST + number % NUMBERS) + ".0-24";
    }
}
