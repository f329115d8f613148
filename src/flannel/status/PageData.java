package flannel.status;

import flannel.json.JsonValue;
import flannel.log.Printable;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Peer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What the page's script draws: for each network this host, the peers and the last hour. */
final class PageData {

    /** What is drawn of peers at most. Of more of them, several that are neighbours by address become one. */
    private static final int MOST_CELLS = 1_000;

    private static final int LONGEST = 200;

    private PageData() {
    }

    static JsonValue of(Status status, History history) {
        return JsonValue.object("stepSeconds", History.STEP.toSeconds(), "samples", History.SAMPLES,
                "networks", status.networks().stream().map(network -> network instanceof Known known ? network(known, history.of(known.name()))
                        : JsonValue.object("cells", List.of())).toList());
    }

    private static JsonValue network(Known known, History.Series series) {
        return JsonValue.object("range", line(known.range()), "backend", line(known.backend()),
                "subnet", known.lease() == null ? "no lease" : line(known.lease().subnet()), "host", line(known.underlay().address()),
                "cells", cells(known.peers()), "probed", known.probing() != null, "device", line(series.device()),
                "received", rounded(series.received(), 1), "sent", rounded(series.sent(), 1), "dropped", rounded(series.dropped(), 100),
                "loss", rounded(series.loss(), 1_000));
    }

    private static List<JsonValue> cells(List<Peer> peers) {
        int each = Math.max(1, (peers.size() + MOST_CELLS - 1) / MOST_CELLS);
        List<JsonValue> cells = new ArrayList<>();
        for (int i = 0; i < peers.size(); i += each) {
            List<Peer> some = peers.subList(i, Math.min(peers.size(), i + each));
            Peer worst = some.stream().max(Comparator.comparing(PeerHealth::of)).orElseThrow();
            cells.add(JsonValue.object("subnet", line(some.size() == 1 ? worst.subnet() : some.getFirst().subnet() + " – " + some.getLast().subnet()),
                    "host", some.size() == 1 ? line(worst.host()) : some.size() + " hosts", "via", line(worst.via()),
                    "health", PeerHealth.of(worst).word(), "says", line(PeerHealth.describe(worst))));
        }
        return cells;
    }

    /** As whole numbers of a fraction; null where nothing is known. */
    private static JsonValue rounded(float[] values, int fraction) {
        List<JsonValue> all = new ArrayList<>(values.length);
        for (float value : values) {
            all.add(Float.isNaN(value) ? new JsonValue.Null() : new JsonValue.Num(Long.toString(Math.round((double) value * fraction))));
        }
        return new JsonValue.Arr(all);
    }

    private static String line(String text) {
        return Printable.line(text, LONGEST);
    }
}
