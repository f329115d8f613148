package flannel.status;

import flannel.json.JsonValue;
import flannel.log.Printable;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Peer;
import java.util.Comparator;
import java.util.List;

/** What the page's script draws, for each network this host, the peers and the last hour: JSON, in ASCII and without a less-than sign. */
final class PageData {

    /** What is drawn of peers at most. Of more of them, several that are neighbours by address become one. */
    private static final int MOST_CELLS = 1_000;

    private static final int LONGEST = 200;

    private final StringBuilder out;

    PageData(StringBuilder out) {
        this.out = out;
    }

    void write(Status status, History history) {
        out.append("{\"stepSeconds\":").append(History.STEP.toSeconds()).append(",\"samples\":").append(History.SAMPLES).append(",\"networks\":[");
        String separator = "";
        for (NetworkStatus network : status.networks()) {
            out.append(separator);
            separator = ",";
            if (network instanceof Known known) {
                network(known, history.of(known.name()));
            } else {
                out.append("{\"cells\":[]}");
            }
        }
        out.append("]}");
    }

    private void network(Known known, History.Series series) {
        text("{\"range\":", known.range());
        text(",\"backend\":", known.backend());
        text(",\"subnet\":", known.lease() == null ? "no lease" : known.lease().subnet());
        text(",\"host\":", known.underlay().address());
        text(",\"device\":", series.device());
        out.append(",\"probed\":").append(known.probing() != null).append(",\"cells\":[");
        cells(known.peers());
        out.append(']');
        numbers(",\"received\":", series.received(), 1);
        numbers(",\"sent\":", series.sent(), 1);
        numbers(",\"dropped\":", series.dropped(), 100);
        numbers(",\"loss\":", series.loss(), 1_000);
        out.append('}');
    }

    private void cells(List<Peer> peers) {
        int each = Math.max(1, (peers.size() + MOST_CELLS - 1) / MOST_CELLS);
        for (int i = 0; i < peers.size(); i += each) {
            List<Peer> some = peers.subList(i, Math.min(peers.size(), i + each));
            Peer worst = some.size() == 1 ? some.getFirst() : some.stream().max(Comparator.comparing(PeerHealth::of)).orElseThrow();
            text(i == 0 ? "{\"subnet\":" : ",{\"subnet\":", some.size() == 1 ? worst.subnet() : some.getFirst().subnet() + " \u2013 " + some.getLast().subnet());
            text(",\"host\":", some.size() == 1 ? worst.host() : some.size() + " hosts");
            text(",\"via\":", worst.via());
            text(",\"health\":", PeerHealth.of(worst).word());
            text(",\"says\":", PeerHealth.describe(worst));
            out.append('}');
        }
    }

    /** As whole numbers of a fraction; null where nothing is known. */
    private void numbers(String begin, float[] values, int fraction) {
        char separator = '[';
        out.append(begin);
        for (float value : values) {
            out.append(separator);
            separator = ',';
            if (Float.isNaN(value)) {
                out.append("null");
            } else {
                out.append(Math.round((double) value * fraction));
            }
        }
        out.append(values.length == 0 ? "[]" : "]");
    }

    private void text(String begin, String text) {
        out.append(begin);
        if (Page.isPlain(text, LONGEST)) {
            out.append('"').append(text).append('"');
        } else {
            new JsonValue.Str(Printable.line(text, LONGEST)).toString().chars().forEach(this::escaped);
        }
    }

    private void escaped(int c) {
        if (c == '<' || c > '~') {
            out.append("\\u").append(Character.forDigit(c >> 12, 16)).append(Character.forDigit(c >> 8 & 15, 16))
                    .append(Character.forDigit(c >> 4 & 15, 16)).append(Character.forDigit(c & 15, 16));
        } else {
            out.append((char) c);
        }
    }
}
