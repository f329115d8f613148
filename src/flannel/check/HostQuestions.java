package flannel.check;

import java.nio.file.Path;
import java.util.List;

/** Has this host's kernel room for its connections? */
final class HostQuestions {

    private static final Path CONNTRACK = Path.of("/proc/sys/net/netfilter");
    /** Percent of the table. */
    private static final long FULL = 90;

    private HostQuestions() {
    }

    static List<Finding> ask() {
        return connections(KernelQuestions.number(CONNTRACK.resolve("nf_conntrack_count")),
                KernelQuestions.number(CONNTRACK.resolve("nf_conntrack_max")));
    }

    /** Packets of new connections are dropped when the table of those that are followed is full; 0 where nothing is followed. */
    static List<Finding> connections(long count, long most) {
        return most == 0 || count * 100 < most * FULL ? List.of() : List.of(Finding.warn("connections", "the kernel follows " + count
                + " connections, and can follow "
                + most + ": packets of new ones are dropped when it is full", "sysctl -w net.netfilter.nf_conntrack_max=" + most * 2
                + "; and the same line in a file below"
                + " /etc/sysctl.d keeps it so"));
    }
}
