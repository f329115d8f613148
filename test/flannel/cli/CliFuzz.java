package flannel.cli;

import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.server.ListenAddress;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Spoiled command lines and environments, as far as they are read without doing anything. */
public final class CliFuzz {

    private CliFuzz() {
    }

    public static List<Target> targets() {
        return List.of(new Target("command line", Target.texts(
                "-etcd-endpoints=http://127.0.0.1:2379\n-etcd-prefix\n/a\n--ip-masq\n-iface=eth0\n-v=2\n-subnet-lease-renew-margin=60",
                "lease\nreserve\n10.1.5.0/24\n192.168.32.211\n-remote=h:8888", "status\n--json\n-socket=/run/x",
                        "check\n-probe-interval=3\n-public-ip\n1.2.3.4",
                "-networks=blue,green\n-watch-networks=false\n-listen=[::1]:8888\n-healthz-port=0\n-iptables-resync=5", "-help",
                        "store\nrepair\n-store=/var/x"),
                Mutation::bytes, Set.of(UsageException.class), (input, dice) -> {
                    String[] words = Target.text(input).split("\n", -1);
                    Map<String, String> environment = dice.nextBoolean() ? Map.of()
                            : Map.of("FLANNELD" + words[0].toUpperCase(Locale.ROOT).replace('-', '_'), words[words.length - 1]);
                    Options options = Options.parse(words, environment);
                    options.number("healthz-port");
                    options.flag("ip-masq");
                    options.list("iface");
                    options.warnings();
                }),
                new Target("-listen", Target.texts(":8888", "[::1]:8888", "0.0.0.0:80", "fd://", "192.168.32.211:65535"), Mutation::bytes,
                        Set.of(IllegalArgumentException.class), (input, dice) -> ListenAddress.parse(Target.text(input))));
    }
}
