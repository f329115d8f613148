package flannel.server;

import java.net.InetAddress;
import java.util.List;

/**
 * One HTTP request, read whole.
 *
 * @param path    without the query
 * @param query   what follows the question mark; empty for none
 * @param ifMatch value of the header If-Match; empty for none
 * @param accept  value of the header Accept; empty for none
 * @param host    value of the header Host: by which name the client knows this host; empty for none
 * @param from    the client
 */
record Request(String method, String path, String query, String ifMatch, String accept, String host, String body, InetAddress from) {

    /** @throws RefusedException when the method is none of these */
    void allow(String... methods) throws RefusedException {
        if (!List.of(methods).contains(method)) {
            throw new RefusedException(405, path + " takes " + String.join(", ", methods));
        }
    }

    /** Value of a parameter of the query, as it stands there; null when it is not there. */
    String parameter(String name) {
        for (String part : query.split("&")) {
            if (part.startsWith(name + "=")) {
                return part.substring(name.length() + 1);
            }
        }
        return null;
    }
}
