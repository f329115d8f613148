package flannel.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import flannel.status.History.Reading;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Stuck;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class PageTest {

    private static final String HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)' \"{{data}}&\u001b[31m\u202e";

    private static String render(NetworkStatus... networks) {
        return Page.render(Samples.of(networks), new History());
    }

    private static JsonValue data(String page) throws Exception {
        return JsonValue.parse(between(page, "<script type=\"application/json\" id=\"data\">", "</script>"));
    }

    private static String between(String page, String begin, String end) {
        int start = page.indexOf(begin) + begin.length();
        return page.substring(start, page.indexOf(end, start));
    }

    @Test
    void tellsAllWithoutAScript() {
        String page = render(Samples.troubled(), Samples.probed());
        for (String expected : List.of("<title>flanneld on 192.168.32.211</title>", "Needs attention", "<li>etcd cluster is unavailable: http://192.168.32.213:2379",
                "<b>10.1.0.0/16</b> udp", "<dd>10.1.83.0/24, 23 h 12 min left</dd>", "<dd>eth0 1500 &#8250; flannel0 1450 &#8250; docker0 1450</dd>",
                "<tr class=\"good\"><th scope=\"row\">10.1.12.0/24<td>192.168.32.212<td class=\"state\"><i></i>reached<td>vxlan<td>complete<td>3 s ago<td>0 %<td>0.4 ms</tr>",
                "<td>1 234 567<td>packets sent to other hosts", "<td>dropped: from here, to an address in no lease", "<small>device flannel0 was deleted by ip (process 815)</small>",
                "<b>WARNING</b> Putting back the subnet file")) {
            assertTrue(page.contains(expected), expected + " is not in\n" + page);
        }
        String probed = render(Samples.probed());
        assertTrue(probed.indexOf("<i></i>no echo is answered") < probed.indexOf("<i></i>reached"), "what is wrong comes first");
    }

    @Test
    void textFromOutsideIsNothingButText() throws Exception {
        Known known = Samples.known(HOSTILE, List.of(HOSTILE), HOSTILE, List.of(new Peer(HOSTILE, HOSTILE, HOSTILE, false, HOSTILE)),
                List.of(new NetworkStatus.Counter(HOSTILE, true, HOSTILE, 1)), List.of(new NetworkStatus.Repair(Samples.NOW, HOSTILE, HOSTILE)),
                Map.of(HOSTILE, 1L));
        String page = Page.render(new Status(new Status.Daemon(HOSTILE, 1, Duration.ZERO, Samples.NOW), new Memory(1, 1, 1, 1, 0, Duration.ZERO),
                List.of(known, new Stuck(HOSTILE, Duration.ofSeconds(2))), List.of(new Status.Event(Samples.NOW, HOSTILE, HOSTILE))), new History());
        assertFalse(page.contains("<img"), page);
        assertEquals(2, page.split("<script", -1).length - 1);
        assertEquals(2, page.split("</script", -1).length - 1);
        assertFalse(page.contains("\u001b") || page.contains("\u202e"));
        String body = between(page, "<main>", "</main>");
        assertFalse(body.contains("alert(2)'") || body.contains("\"{{"), body);
        JsonValue peer = data(page).list("networks").getFirst().list("cells").getFirst();
        assertTrue(peer.text("subnet").startsWith("</script><script>alert(1)"), peer.toString());
    }

    @Test
    void isWholeInItselfAndItsPolicyAllowsNothingElse() throws Exception {
        String page = render(Samples.vxlan());
        Matcher outside = Pattern.compile("(src|href|action)=\"?+(?!data:,)|url\\(|@import|style=\"| on[a-z]+=").matcher(page);
        assertFalse(outside.find(), () -> outside.group() + " in\n" + page);
        String policy = Page.policy();
        for (String element : List.of("script", "style")) {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(between(page, "<" + element + ">", "</" + element + ">").getBytes("UTF-8"));
            assertTrue(policy.contains(element + "-src 'sha256-" + Base64.getEncoder().encodeToString(hash) + "'"), policy);
        }
        assertTrue(policy.startsWith("default-src 'none'; ") && !policy.contains("unsafe"), policy);
    }

    @Test
    void manyPeersAreFewerCells() throws Exception {
        List<Peer> peers = Samples.peers(20_000);
        peers.set(12_345, new Peer("10.48.57.0/24", "192.168.48.57", "", false, "it is in trouble"));
        String page = render(Samples.vxlan(peers.toArray(Peer[]::new)));
        List<JsonValue> cells = data(page).list("networks").getFirst().list("cells");
        assertEquals(1_000, cells.size());
        assertEquals("bad it is in trouble 20 hosts", cells.get(617).text("health") + " " + cells.get(617).text("says") + " " + cells.get(617).text("host"));
        assertEquals(1, cells.stream().filter(cell -> cell.text("health").equals("bad")).count());
        assertTrue(page.contains("19 000 more: flanneld status -peer=ADDRESS shows one"));
        assertTrue(page.contains("<tbody data-live=\"rows0\"><tr class=\"bad\">"));
        assertTrue(page.length() < 1 << 20, page.length() + " characters");
    }

    @Test
    void severalNetworksHaveTheirOwnHour() throws Exception {
        History history = new History();
        history.take(0, Map.of("blue", new Reading("flannel.1", 0, 0, 0, 0, 0), "red", new Reading("flannel.2", 0, 0, 0, 0, 0)));
        history.take(10_000_000_000L, Map.of("blue", new Reading("flannel.1", 100, 50, 1, 10, 9), "red", new Reading("flannel.2", 7_000, 0, 0, 0, 0)));
        Known known = Samples.vxlan();
        String page = Page.render(Samples.of(named("blue", known), named("red", known), new Stuck("green", Duration.ofSeconds(9))), history);
        List<JsonValue> networks = data(page).list("networks");
        assertEquals("flannel.1 [10] [5] [10] [100]", networks.get(0).text("device") + " " + networks.get(0).get("received") + " " + networks.get(0).get("sent")
                + " " + networks.get(0).get("dropped") + " " + networks.get(0).get("loss"));
        assertEquals("flannel.2 [700] [null]", networks.get(1).text("device") + " " + networks.get(1).get("received") + " " + networks.get(1).get("loss"));
        assertTrue(page.contains("data-live=\"title2\">Network green</h2>"), page);
    }

    private static Known named(String name, Known known) {
        return new Known(name, known.phase(), known.range(), known.backend(), known.complaints(), known.lease(), known.underlay(), known.mtus(), known.store(),
                known.kernel(), known.peers(), known.counters(), known.repairs(), known.repaired());
    }
}
