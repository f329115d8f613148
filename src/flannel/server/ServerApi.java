package flannel.server;

import flannel.api.NetworkChanges;
import flannel.json.JsonException;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreException;
import flannel.log.Log;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The HTTP API of flannel 0.7.1's server mode, for its Go clients and for ours: {@code /v1/} is the list of networks, {@code /v1/blue/config},
 * {@code leases} and {@code reservations} are those of one; the network without a name is {@code _}.
 */
final class ServerApi implements HttpListener.Handler {

    private final ServedNetworks networks;
    private final Log log;

    ServerApi(ServedNetworks networks, Log log) {
        this.networks = networks;
        this.log = log;
    }

    @Override
    public Answer answer(Request request) throws InterruptedException {
        Answer answer;
        try {
            answer = route(request);
        } catch (RefusedException e) {
            answer = e.answer();
        } catch (JsonException e) {
            answer = Answer.text(400, "JSON decoding error: " + e.getMessage());
        } catch (LeaseConflictException e) {
            answer = Answer.text(409, e.getMessage());
        } catch (StoreException e) {
            answer = Answer.text(503, e.getMessage());
        } catch (IOException e) {
            answer = Answer.text(500, e.getMessage());
        }
        note(request, answer);
        return answer;
    }

    /** 0.7.1 logs every request; what a quiet network goes on asking is left out here. */
    private void note(Request request, Answer answer) {
        if (request.method().equals("GET") && !log.v(1)) {
            return;
        }
        String line = request.method() + " " + request.path() + " - " + answer.status();
        if (answer.status() >= 400) {
            log.warning(line + " (" + request.from().getHostAddress() + "): " + new String(answer.body(), StandardCharsets.UTF_8));
        } else {
            log.info(line);
        }
    }

    private Answer route(Request request) throws IOException, InterruptedException {
        List<String> path = List.of(request.path().split("/")); // "", "v1", network, what, subnet
        if (path.size() < 2 || path.size() > 5 || !path.get(1).equals("v1")) {
            throw new RefusedException(404, "there is nothing at " + request.path() + " but /v1/");
        }
        if (path.size() == 2) {
            request.allow("GET");
            ServedNetworks.Known known = networks.known(request.parameter("next"));
            // always all of them, which to a Go daemon is as good as what has changed
            return Answer.json(NetworkChanges.snapshot(known.names(), known.cursor(), known.at()));
        }
        return networks.network(name(path.get(2))).answer(request, path.size() > 3 ? path.get(3) : "", path.size() == 5 ? path.get(4) : "");
    }

    private static String name(String segment) throws RefusedException {
        try {
            return segment.equals("_") ? "" : URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new RefusedException(400, "bad network name: " + e.getMessage());
        }
    }
}
