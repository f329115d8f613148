package flannel.kernel;

import flannel.log.Printable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Who seems to have changed something in the kernel, and what he did, as far as its notification tells: a netlink socket's port number is
 * most often its process's id (netlink(7)), and a route carries a mark of who made it.
 *
 * @param text   a clause, as "removed by ip (process 4711)"; empty for nothing known
 * @param weight of two suspects of one deed the heavier one counts
 */
public record Suspect(String text, int weight) {

    public static final Suspect NONE = new Suspect("", 0);

    /** A program's name is short (TASK_COMM_LEN, include/linux/sched.h). */
    private static final int LONGEST_NAME = 16;

    /** Origins of routes: include/uapi/linux/rtnetlink.h, and /etc/iproute2/rt_protos. */
    private static final Map<Integer, String> PROTOCOLS = Map.ofEntries(Map.entry(2, "kernel"), Map.entry(3, "boot: ip route, dhclient"),
            Map.entry(4, "static: an administrator, NetworkManager"), Map.entry(9, "ra"), Map.entry(11, "zebra"), Map.entry(12, "bird"),
            Map.entry(16, "dhcp: systemd-networkd, NetworkManager"), Map.entry(18, "keepalived"), Map.entry(42, "babel"),
            Map.entry(186, "bgp"), Map.entry(187, "isis"), Map.entry(188, "ospf"), Map.entry(189, "rip"), Map.entry(192, "eigrp"));

    /** What a notification tells. */
    public static Suspect of(KernelEvent event) {
        return switch (event) {
            case KernelEvent.Vanished(Found.Link link, String by) -> new Suspect("device " + link.name() + " was deleted" + told(by), 3);
            case KernelEvent.Vanished(Found what, String by) -> new Suspect("removed" + told(by), by.isEmpty() ? 1 : 2);
            case KernelEvent.Appeared(Found.Route route, String by) -> new Suspect("changed" + told(by) + ", route protocol "
                    + PROTOCOLS.getOrDefault(route.protocol(), String.valueOf(route.protocol())), 2);
            case KernelEvent.Appeared(Found what, String by) -> new Suspect("changed" + told(by), by.isEmpty() ? 1 : 2);
            case KernelEvent.Overrun overrun -> NONE;
            case KernelEvent.RulesChanged rules -> NONE;
        };
    }

    private static String told(String by) {
        return by.isEmpty() ? "" : " by " + by;
    }

    /** The one of the two that tells more; of equal ones this, the earlier. */
    public Suspect or(Suspect later) {
        return later.weight > weight ? later : this;
    }

    /**
     * Whose netlink port that is, in words; empty when it is the kernel's own, or a number that is no process's.
     *
     * @param port as a notification's header has it (nlmsg_pid)
     */
    static String process(int port) {
        if (port <= 0) {
            return "";
        }
        try {
            return Printable.line(Files.readString(Path.of("/proc/" + port + "/comm")).strip(), LONGEST_NAME) + " (process " + port + ")";
        } catch (IOException e) {
            return "process " + port; // has ended, or is hidden from this service (ProtectProc=)
        }
    }
}
