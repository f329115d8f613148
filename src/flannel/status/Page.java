package flannel.status;

import flannel.log.Printable;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Echoes;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.OwnLease;
import flannel.status.NetworkStatus.Peer;
import flannel.text.UtcTime;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A status as a page for people. All that is to be read is HTML; a script of the page's, {@code page.html}, draws networks and charts from the
 * JSON that is embedded, and asks for the page again. Text from outside is escaped, in both, and nothing but ASCII is left: a daemon that has
 * little to do runs this uncompiled, and to encode 70 KB took longer than to write them.
 */
public final class Page {

    /** Rows of the table of peers at most, those with problems first. */
    private static final int MOST_PEERS = 1_000;

    private static final int MOST_EVENTS = 30;

    /** Of one text, in characters. */
    private static final int LONGEST = 600;

    private final Status status;
    private final History history;
    private final StringBuilder out = new StringBuilder(1 << 16);

    private Page(Status status, History history) {
        this.status = status;
        this.history = history;
    }

    /** The page, in ASCII. */
    public static String render(Status status, History history) {
        Page page = new Page(status, history);
        page.out.append(PageTemplate.BEFORE_TITLE).append(page.title()).append(PageTemplate.BEFORE_BODY);
        page.body();
        page.out.append(PageTemplate.BEFORE_DATA);
        new PageData(page.out).write(status, history);
        return page.out.append(PageTemplate.AFTER_DATA).toString();
    }

    /** What the page may do: draw with its own style and script, and ask for itself. Value of the header Content-Security-Policy. */
    public static String policy() {
        return PageTemplate.POLICY;
    }

    private String title() {
        return escaped(status.networks().stream().filter(Known.class::isInstance).map(network -> ((Known) network).underlay().address())
                .findFirst().map(address -> "flanneld on " + address).orElse("flanneld"));
    }

    private void body() {
        List<String> troubles = status.troubles();
        Status.Daemon daemon = status.daemon();
        out.append("<header data-live=\"top\"><div><h1>").append(title()).append("</h1><p>version ").append(escaped(daemon.version())).append(", pid ")
                .append(daemon.pid()).append(", up ").append(Words.duration(daemon.uptime())).append(", ")
                .append(Words.mebibytes(status.memory().resident())).append(" resident, as of ").append(time(daemon.now())).append(" UTC</p></div>")
                .append(troubles.isEmpty() ? "<p class=\"badge good\">Healthy</p>" : "<p class=\"badge bad\">Needs attention</p>")
                .append("</header>\n<div data-live=\"troubles\" role=\"status\">");
        if (!troubles.isEmpty()) {
            out.append("<section class=\"card troubles\"><h2>What needs a person</h2><ul>");
            troubles.forEach(trouble -> out.append("<li>").append(escaped(trouble)).append("</li>"));
            out.append("</ul></section>");
        }
        out.append("</div>\n");
        for (int i = 0; i < status.networks().size(); i++) {
            network(status.networks().get(i), i);
        }
        events();
    }

    private void network(NetworkStatus network, int number) {
        String name = network.name().isEmpty() ? "Network" : "Network " + escaped(network.name());
        out.append("<section aria-labelledby=\"n").append(number).append("\"><h2 id=\"n").append(number).append("\" data-live=\"title").append(number)
                .append("\">").append(name);
        if (!(network instanceof Known known)) {
            out.append("</h2><p class=\"card\">Its session does not answer.</p></section>\n");
            return;
        }
        out.append(known.range().isEmpty() ? " without a config" : " <b>" + escaped(known.range()) + "</b> " + escaped(known.backend())).append("</h2>\n");
        out.append("<div class=\"wide\"><figure class=\"card\"><div class=\"draw\" data-draw=\"").append(number).append("\"></div>");
        live("legend", number, "figcaption", "", () -> legend(known));
        out.append("</figure>");
        live("facts", number, "dl", "card", () -> facts(known));
        out.append("</div>\n<div class=\"charts\">");
        chart(number, "traffic");
        chart(number, "dropped");
        chart(number, "loss");
        out.append("</div>\n");
        peers(known.peers(), number);
        out.append("<div class=\"pair\">");
        live("counters", number, "div", "", () -> counters(known.counters()));
        live("repairs", number, "div", "", () -> repairs(known));
        out.append("</div></section>\n");
    }

    private void live(String key, int number, String element, String style, Runnable content) {
        out.append('<').append(element).append(style.isEmpty() ? "" : " class=\"" + style + "\"").append(" data-live=\"").append(key).append(number)
                .append("\">");
        content.run();
        out.append("</").append(element).append('>');
    }

    private void legend(Known known) {
        Map<PeerHealth, Long> counts = new EnumMap<>(PeerHealth.class);
        known.peers().forEach(peer -> counts.merge(PeerHealth.of(peer), 1L, Long::sum));
        out.append(known.peers().isEmpty() ? "No other hosts yet" : "");
        counts.forEach((health, count) -> out.append("<span class=\"key ").append(health.word()).append("\"><i></i>").append(Words.count(count))
                .append(' ').append(health.meaning()).append("</span>"));
    }

    private void facts(Known known) {
        OwnLease lease = known.lease();
        fact("Lease", lease == null ? "none" : lease.subnet() + (lease.reservation() ? ", reserved" : lease.remaining() == null ? ""
                : ", " + Words.duration(lease.remaining()) + " left"));
        fact("Public address", lease == null ? "" : lease.publicIp());
        fact("Interface", known.underlay().name() + ", " + known.underlay().address());
        fact("MTU", known.mtus().stream().map(mtu -> mtu.device() + " " + mtu.bytes()).collect(Collectors.joining(" \u203a ")));
        var health = known.store().health();
        fact("Store", health.answered() == null ? "not reached yet" : health.api() + " at " + health.endpoint() + ", answered "
                + Words.duration(health.answered()) + " ago");
        fact("Kernel", known.kernel().compared() == null ? "" : "compared " + Words.duration(known.kernel().compared()) + " ago, "
                + (known.kernel().refused().isEmpty() ? "nothing refused" : known.kernel().refused().size() + " entries refused"));
        fact("Probes", known.probing() == null ? "off; see -probe-interval" : "every " + Words.duration(known.probing().every()));
    }

    private void fact(String name, String value) {
        if (!value.isEmpty()) {
            out.append("<div><dt>").append(name).append("</dt><dd>").append(escaped(value)).append("</dd></div>");
        }
    }

    /** Its heading, its numbers and its curve are the script's. */
    private void chart(int number, String kind) {
        out.append("<figure class=\"card chart\" data-chart=\"").append(kind).append("\" data-network=\"").append(number).append("\"></figure>");
    }

    // ---- tables ----

    private void peers(List<Peer> all, int number) {
        out.append("<section class=\"card\"><div class=\"bar\"><h3 id=\"p").append(number).append("\">Peers</h3><input type=\"search\" data-filter=\"")
                .append(number).append("\" placeholder=\"Filter: address, way, state\" aria-label=\"Filter the peers\" hidden>")
                .append("</div><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"p").append(number)
                .append("\"><table><thead><tr><th scope=\"col\">Subnet<th scope=\"col\">Host<th scope=\"col\">State<th scope=\"col\">Way")
                .append("<th scope=\"col\">In the kernel<th scope=\"col\">Heard<th scope=\"col\">Loss<th scope=\"col\">Round trip</tr></thead>");
        boolean someAreWorse = all.stream().anyMatch(peer -> PeerHealth.of(peer).compareTo(PeerHealth.WARN) >= 0);
        live("rows", number, "tbody", "", () -> (someAreWorse ? all.stream().sorted(Comparator.comparing(PeerHealth::of, PeerHealth.WORST_FIRST)) : all.stream())
                .limit(MOST_PEERS).forEach(this::peer));
        out.append("</table></div>");
        live("more", number, "p", "note", () -> out.append(all.size() <= MOST_PEERS ? "" : Words.count(all.size() - MOST_PEERS)
                + " more: flanneld status -peer=ADDRESS shows one, -json all"));
        out.append("</section>\n");
    }

    private void peer(Peer peer) {
        PeerHealth health = PeerHealth.of(peer);
        Echoes echoes = peer.echoes();
        out.append("<tr class=\"").append(health.word()).append("\"><th scope=\"row\">").append(escaped(peer.subnet()));
        cell(peer.host());
        out.append("<td class=\"state\"><i></i>").append(escaped(PeerHealth.describe(peer)));
        cell(peer.via());
        cell(peer.entries() == null ? "" : peer.entries().missing().isEmpty() ? "complete" : "no " + String.join(", ", peer.entries().missing()));
        cell(echoes == null ? "" : echoes.heard() == null ? "never" : Words.duration(echoes.heard()) + " ago");
        cell(echoes == null ? "" : Math.round(100 * echoes.loss()) + " %");
        cell(echoes == null || echoes.roundTrip() == null ? "" : Words.latency(echoes.roundTrip()));
        out.append("</tr>\n");
    }

    private void cell(String text) {
        out.append("<td>").append(escaped(text));
    }

    private void counters(List<Counter> all) {
        List<Counter> counted = all.stream().filter(counter -> counter.value() != 0).toList();
        if (counted.isEmpty()) {
            return;
        }
        out.append("<section class=\"card\"><h3>Data path</h3><table class=\"counts\">");
        counted.forEach(counter -> out.append("<tr").append(counter.drop() ? " class=\"warn\"" : "").append("><th scope=\"row\">").append(escaped(counter.name()))
                .append("<td>").append(Words.count(counter.value())).append("<td>").append(counter.drop() ? "dropped: " : "")
                .append(escaped(counter.meaning())).append("</tr>"));
        out.append("</table></section>");
    }

    private void repairs(Known known) {
        out.append("<section class=\"card\"><h3>Put back</h3>");
        if (known.repairs().isEmpty()) {
            out.append("<p class=\"note\">Nobody has removed or changed anything of flanneld's.</p></section>");
            return;
        }
        out.append("<p class=\"note\">Since the start: ").append(known.repaired().entrySet().stream().filter(each -> each.getValue() > 0)
                .map(each -> escaped(each.getKey()) + " " + Words.count(each.getValue())).collect(Collectors.joining(", "))).append("</p><ol class=\"log\">");
        known.repairs().reversed().forEach(repair -> out.append("<li><time>").append(time(repair.when())).append("</time><span>").append(escaped(repair.what()))
                .append(repair.cause().isEmpty() ? "" : "<small>" + escaped(repair.cause()) + "</small>").append("</span></li>"));
        out.append("</ol></section>");
    }

    private void events() {
        List<Status.Event> events = status.events().reversed();
        out.append("<section class=\"card\"><h2>Last events</h2><ol class=\"log\" data-live=\"events\">");
        events.stream().limit(MOST_EVENTS).forEach(event -> out.append("<li class=\"")
                .append(event.severity().equals("INFO") ? "info" : event.severity().equals("WARNING") ? "warn" : "bad").append("\"><time>")
                .append(time(event.when())).append("</time><span>").append(event.severity().equals("INFO") ? "" : "<b>" + escaped(event.severity()) + "</b> ")
                .append(escaped(event.text())).append("</span></li>"));
        out.append("</ol></section>\n");
    }

    private static String time(Instant when) {
        return UtcTime.brief(when);
    }

    /** Fit for an element's content, and for an attribute in quotes. */
    static String escaped(String text) {
        return isPlain(text, LONGEST) ? text : withReferences(Printable.line(text, LONGEST));
    }

    private static String withReferences(String line) {
        StringBuilder html = new StringBuilder(line.length() + 64);
        line.codePoints().forEach(c -> {
            if (isPlain(c)) {
                html.append((char) c);
            } else {
                html.append("&#").append(c).append(';');
            }
        });
        return html.toString();
    }

    /** Whether text is what it says, in HTML as in a string of JSON: most is, and is looked at once only. */
    static boolean isPlain(String text, int longest) {
        for (int i = 0; i < text.length(); i++) {
            if (!isPlain(text.charAt(i))) {
                return false;
            }
        }
        return text.length() <= longest;
    }

    private static boolean isPlain(int c) {
        return c >= ' ' && c <= '~' && c != '"' && c != '&' && c != '\'' && c != '<' && c != '>' && c != '\\';
    }
}
