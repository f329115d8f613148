package flannel.daemon;

import flannel.backend.VxlanBackend;
import flannel.etcd.EtcdOptions;
import flannel.etcd.EtcdSubnetStore;
import flannel.files.FileException;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.FakeKernel;
import flannel.kernel.LargeKernel;
import flannel.kernel.Underlay;
import flannel.kernel.Underlays;
import flannel.kube.KubeOptions;
import flannel.lease.SubnetStore;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import flannel.remote.RemoteOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;

/**
 * A daemon's session and store in a JVM of its own, with the installed one's options; the kernel and the files are in memory. For each byte
 * on its standard input it collects its whole heap.
 */
final class SmallDaemon {

    private SmallDaemon() {
    }

    /** @param arguments etcd's endpoint */
    public static void main(String[] arguments) {
        Log log = new Log(System.out, 0);
        Settings settings = new Settings(NetworkSelection.SINGLE, new EtcdOptions(List.of(arguments[0]), "/n", "v3", "", "", "", "", ""), RemoteOptions.none(), KubeOptions.none(),
                new Underlays.Selection(List.of(), List.of(), null), null, Path.of("/nowhere/subnet.env"), Path.of("/nowhere"),
                Duration.ofMinutes(60), false, false, false, Duration.ofHours(1), "", ChecksumOffload.LEAVE, 1, false, true, false);
        SubnetStore store = EtcdSubnetStore.open(settings.etcd(), log);
        LargeKernel kernel = new LargeKernel();
        Underlay underlay = kernel.underlay(Ipv4.parse("192.168.32.211"), 16);
        Clock clock = Clock.system();
        BlockingQueue<Message> queue = Followed.newQueue();
        Surroundings around = new Surroundings("", settings, store,
                new StateDirectory(Path.of("/proc/1/nowhere"), new Log(new PrintStream(new ByteArrayOutputStream()), 0)).forNetwork(""),
                new Nowhere(), new Readiness(new ServiceManager("", log), List.of("")), queue, Executors.newVirtualThreadPerTaskExecutor(),
                clock, new Random(1), log);
        NetworkSession session = new NetworkSession(around, underlay, "mark1",
                (config, now, publicIp, former) -> new VxlanBackend(now,
                        VxlanBackend.link(config, now, MacAddress.parse("02:00:00:00:00:01")), false),
                new DataPath("", kernel.reconciler(log), FakeKernel.packetFilter(log), clock, log));
        Thread.setDefaultUncaughtExceptionHandler((thread, reason) -> {
            reason.printStackTrace(System.out);
            System.exit(1);
        });
        Thread.ofPlatform().name("store-follower").start(() -> {
            try {
                Followed.follow(store, queue);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        Thread.ofPlatform().daemon().name("collector").start(SmallDaemon::collectWhenAsked);
        session.run();
    }

    private static void collectWhenAsked() {
        try {
            while (System.in.read() >= 0) {
                System.gc();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Nowhere implements SubnetFiles.Place {

        private String text;

        @Override
        public Optional<String> read() {
            return Optional.ofNullable(text);
        }

        @Override
        public void write(SubnetFile subnet) throws FileException {
            text = subnet.text();
        }
    }
}
