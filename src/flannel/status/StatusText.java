package flannel.status;

import flannel.lease.StoreHealth;
import flannel.log.Printable;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.OwnLease;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Store;
import flannel.status.NetworkStatus.Stuck;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A status as {@code flanneld status} shows it: 100 columns, and first what needs a person. */
public final class StatusText {

    private static final int WIDTH = 100;
    private static final int LABEL = 11;

    /** More are summed up, unless they are asked for. */
    private static final int MOST_PEERS = 24;
    private static final int MOST_EVENTS = 8;
    private static final int MOST_REPAIRS = 5;

    /** A sentence from outside may be long. */
    private static final int LONGEST = 600;
    private static final int LONGEST_NAME = 40;

    private final View view;
    private final DateTimeFormatter clock;
    private final StringBuilder out = new StringBuilder();

    /**
     * What is to be shown, and how.
     *
     * @param peers        of which peers; all of those are listed when it is not {@link PeerFilter#ALL}
     * @param problemsOnly only what needs a person, peers included
     * @param colour       whether the terminal's colours may be used
     * @param zone         of the times
     */
    public record View(PeerFilter peers, boolean problemsOnly, boolean colour, ZoneId zone) {
    }

    private StatusText(View view) {
        this.view = view;
        this.clock = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss").withZone(view.zone());
    }

    /** The whole text, with a line feed at its end. */
    public static String render(Status status, View view) {
        StatusText text = new StatusText(view);
        text.status(status);
        return text.out.toString();
    }

    private void status(Status status) {
        Status.Daemon daemon = status.daemon();
        List<String> troubles = status.troubles();
        out.append("flanneld ").append(daemon.version()).append(", pid ").append(daemon.pid()).append(", up ")
                .append(Words.duration(daemon.uptime())).append(": ")
                .append(troubles.isEmpty() ? painted("healthy", 32) : painted("needs attention", 31)).append('\n');
        if (!troubles.isEmpty()) {
            out.append('\n');
            troubles.forEach(trouble -> wrapped(painted("!", 31) + " ", 2, trouble));
        }
        status.networks().forEach(this::network);
        if (!view.problemsOnly() && view.peers().isAll()) {
            memory(status.memory());
            events(status.events());
        }
    }

    private void network(NetworkStatus network) {
        if (!(network instanceof Known known)) {
            if (network instanceof Stuck stuck && !stuck.name().isEmpty()) {
                out.append('\n');
                row("network", stuck.name() + ", unknown: its session does not answer");
            }
            return;
        }
        if (!view.problemsOnly() && view.peers().isAll()) {
            facts(known);
        }
        peers(known.peers());
        if (!view.problemsOnly() && view.peers().isAll()) {
            counters(known.counters());
            repairs(known);
        }
    }

    private void facts(Known known) {
        out.append('\n');
        row("network", (known.name().isEmpty() ? "" : known.name() + ": ")
                + (known.range().isEmpty() ? "no config" : known.range() + ", " + known.backend()));
        row("lease", lease(known.lease()));
        row("interface", known.underlay().name() + ", " + known.underlay().address());
        if (!known.mtus().isEmpty()) {
            row("mtu", known.mtus().stream().map(mtu -> mtu.device() + " " + mtu.bytes()).collect(Collectors.joining(" > ")));
        }
        row("store", store(known.store()));
        if (known.kernel().compared() != null) {
            row("kernel", "compared " + Words.duration(known.kernel().compared()) + " ago, " + times(known.kernel().comparisons())
                    + " since the start");
        }
    }

    private static String lease(OwnLease lease) {
        return lease == null ? "none" : lease.subnet() + " for " + lease.publicIp()
                + (lease.reservation() ? ", reserved" : lease.remaining() == null ? "" : ", " + Words.duration(lease.remaining()) + " left");
    }

    private static String store(Store store) {
        StoreHealth health = store.health();
        if (health.answered() == null) {
            return "not reached yet";
        }
        return (health.api().isEmpty() ? "" : health.api() + " at ") + health.endpoint() + ", answered " + Words.duration(health.answered())
                + " ago in " + Words.latency(health.latency()) + (store.listed() == null ? "" : ", listed " + Words.duration(store.listed()) + " ago");
    }

    private static String times(long count) {
        return Words.count(count) + (count == 1 ? " time" : " times");
    }

    // ---- tables ----

    private void peers(List<Peer> all) {
        List<Peer> chosen = all.stream().filter(view.peers()::chooses).filter(peer -> !view.problemsOnly() || peer.isProblem())
                .sorted(Comparator.comparing((Peer peer) -> !peer.isProblem())).toList();
        if (view.problemsOnly() && chosen.isEmpty()) {
            return;
        }
        out.append('\n');
        row("peers", peersSummary(all, chosen));
        boolean whole = view.problemsOnly() || !view.peers().isAll() || chosen.size() <= MOST_PEERS;
        List<Peer> shown = whole ? chosen : chosen.stream().filter(Peer::isProblem).limit(MOST_PEERS).toList();
        boolean kernel = shown.stream().anyMatch(peer -> peer.entries() != null);
        boolean probed = shown.stream().anyMatch(peer -> peer.echoes() != null);
        if (!shown.isEmpty()) {
            out.append(column("SUBNET", 20)).append(column("HOST", 17)).append(column("VIA", 9)).append(kernel ? column("KERNEL", 10) : "")
                    .append(probed ? column("HEARD", 10) + column("LOSS", 6) + column("RTT", 9) : "").append("STATE\n");
        }
        shown.forEach(peer -> peer(peer, kernel, probed));
        if (!whole) {
            row("", Words.count(chosen.size() - shown.size()) + " more: -peer=ADDRESS shows one, -problems those with problems, -json all");
        }
    }

    private String peersSummary(List<Peer> all, List<Peer> chosen) {
        if (!view.peers().isAll()) {
            return Words.count(chosen.size()) + " of " + Words.count(all.size()) + " fit " + view.peers();
        }
        Map<String, Long> ways = all.stream().filter(peer -> peer.ignored().isEmpty())
                .collect(Collectors.groupingBy(Peer::via, TreeMap::new, Collectors.counting()));
        List<String> parts = new ArrayList<>();
        ways.forEach((way, count) -> parts.add(Words.count(count) + (way.isEmpty() ? " not followed yet" : " by " + way)));
        add(parts, all.stream().filter(Peer::kept).count(), "kept");
        add(parts, all.stream().filter(peer -> !peer.ignored().isEmpty()).count(), "ignored");
        return Words.count(all.size()) + (parts.isEmpty() ? "" : ": " + String.join(", ", parts));
    }

    private static void add(List<String> parts, long count, String what) {
        if (count > 0) {
            parts.add(Words.count(count) + " " + what);
        }
    }

    private void peer(Peer peer, boolean kernel, boolean probed) {
        String line = column(cut(printable(peer.subnet())), 20) + column(peer.host(), 17) + column(peer.via(), 9)
                + (kernel ? blank(entries(peer.entries()), 10) : "") + (probed ? echoes(peer.echoes()) : "");
        String state = !peer.ignored().isEmpty() ? peer.ignored() : peer.kept() ? "kept: no longer in the store, or not readable"
                : peer.isLost() ? peer.echoes().trouble() : "";
        if (state.isEmpty()) {
            out.append(line.stripTrailing()).append('\n');
        } else if (line.length() <= WIDTH / 2) {
            wrapped(line, line.length(), state);
        } else {
            out.append(line.stripTrailing()).append('\n');
            wrapped("    ", 4, state);
        }
    }

    private static String entries(NetworkStatus.Entries entries) {
        return entries == null ? "" : entries.missing().isEmpty() ? "complete" : "no " + String.join(", ", entries.missing());
    }

    private static String echoes(NetworkStatus.Echoes echoes) {
        return echoes == null ? blank("", 25) : blank(echoes.heard() == null ? "never" : Words.duration(echoes.heard()), 10)
                + blank(Math.round(100 * echoes.loss()) + " %", 6) + blank(echoes.roundTrip() == null ? "" : Words.latency(echoes.roundTrip()), 9);
    }

    private void counters(List<Counter> counters) {
        List<Counter> counted = counters.stream().filter(counter -> counter.value() != 0).toList();
        if (counted.isEmpty()) {
            return;
        }
        out.append('\n');
        for (boolean drop : new boolean[] {false, true}) {
            String label = drop ? "dropped" : "data path";
            for (Counter counter : counted.stream().filter(each -> each.drop() == drop).toList()) {
                String value = Words.count(counter.value());
                String head = column(label, LABEL) + " ".repeat(Math.max(0, 15 - value.length())) + value + "  ";
                wrapped(head, head.length(), counter.name() + ": " + counter.meaning());
                label = "";
            }
        }
    }

    private void repairs(Known known) {
        if (known.repaired().values().stream().allMatch(count -> count == 0)) {
            return;
        }
        out.append('\n');
        row("repaired", known.repaired().entrySet().stream().filter(each -> each.getValue() > 0).map(each -> each.getKey() + " " + Words.count(each.getValue()))
                .collect(Collectors.joining(", ")) + " since the start");
        last(known.repairs(), MOST_REPAIRS).forEach(repair -> happened(repair.when(), "", repair.what() + (repair.cause().isEmpty() ? "" : ": " + repair.cause())));
    }

    private void memory(Memory memory) {
        out.append('\n');
        row("memory", Words.mebibytes(memory.resident()) + " resident; heap " + Words.mebibytes(memory.heapUsed()) + " of "
                + Words.mebibytes(memory.heapCommitted()) + ", " + Words.mebibytes(memory.heapMax()) + " at most; "
                + memory.collections() + " collections in " + memory.collecting().toMillis() + " ms");
    }

    private void events(List<Status.Event> events) {
        if (events.isEmpty()) {
            return;
        }
        out.append("\nlast events\n");
        for (Status.Event event : last(events, MOST_EVENTS)) {
            happened(event.when(), event.severity(), event.text());
        }
    }

    private static <T> List<T> last(List<T> all, int most) {
        return all.subList(Math.max(0, all.size() - most), all.size());
    }

    private void happened(Instant when, String severity, String what) {
        String time = clock.format(when) + "  ";
        String mark = severity.equals("ERROR") ? painted("E", 31) + " " : severity.equals("WARNING") ? painted("W", 33) + " "
                : severity.isEmpty() ? "" : severity.charAt(0) + " ";
        wrapped(time + mark, time.length() + (mark.isEmpty() ? 0 : 2), what);
    }

    // ---- lines ----

    private void row(String label, String text) {
        wrapped(column(label, LABEL), LABEL, text);
    }

    /** A cell that is followed by another one: two spaces at least. */
    private static String column(String text, int width) {
        return text + " ".repeat(Math.max(text.isEmpty() ? 0 : 1, width - text.length()));
    }

    /** A cell that may be empty. */
    private static String blank(String text, int width) {
        return text.isEmpty() ? " ".repeat(width) : column(text, width);
    }

    /** An entry of the store may have any name. */
    private static String cut(String name) {
        return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME - 3) + "...";
    }

    private static String printable(String text) {
        return Printable.line(text, LONGEST);
    }

    private String painted(String text, int colour) {
        return view.colour() ? "\u001b[" + colour + "m" + text + "\u001b[0m" : text;
    }

    /** Words behind a head, in lines that are no longer than the width; a word that is longer than a line is cut into pieces. */
    private void wrapped(String head, int indent, String text) {
        out.append(head);
        int room = Math.max(20, WIDTH - indent);
        String rest = printable(text);
        while (rest.length() > room) {
            int space = rest.lastIndexOf(' ', room);
            int end = space > 0 ? space : room;
            out.append(rest, 0, end).append('\n').append(" ".repeat(indent));
            rest = rest.substring(end).stripLeading();
        }
        out.append(rest).append('\n');
    }
}
