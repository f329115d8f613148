package flannel.kube;

import flannel.json.JsonValue;
import flannel.lease.StoreException;
import java.util.Map;
import java.util.regex.Pattern;

/** The name of this host's node: NODE_NAME says it, or the pod that POD_NAMESPACE and POD_NAME name. */
final class NodeName {

    /** RFC 1123; also what may stand in a URL as it is. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

    private final Map<String, String> environment;
    private String name;

    /** @throws IllegalArgumentException with a sentence when the environment tells neither */
    NodeName(Map<String, String> environment) {
        this.environment = environment;
        String node = environment.getOrDefault("NODE_NAME", "");
        if (!node.isEmpty()) {
            checkName("NODE_NAME", node);
            name = node;
        } else {
            String pod = environment.getOrDefault("POD_NAME", "");
            String namespace = environment.getOrDefault("POD_NAMESPACE", "");
            if (pod.isEmpty() || namespace.isEmpty()) {
                throw new IllegalArgumentException("env variables POD_NAME and POD_NAMESPACE must be set, or NODE_NAME, to tell which node this is");
            }
            checkName("POD_NAME", pod);
            checkName("POD_NAMESPACE", namespace);
        }
    }

    private static void checkName(String variable, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("the environment's " + variable + " \"" + name + "\" is no name of Kubernetes");
        }
    }

    /** The name; the server is asked for the pod the first time. */
    synchronized String get(ApiServer api) throws StoreException, InterruptedException {
        if (name == null) {
            String pod = environment.get("POD_NAMESPACE") + "/pods/" + environment.get("POD_NAME");
            JsonValue spec = api.get("/api/v1/namespaces/" + pod).get("spec");
            String node = spec == null ? "" : spec.text("nodeName");
            if (!NAME.matcher(node).matches()) {
                throw new StoreException("node name not present in pod spec '" + pod.replace("/pods/", "/") + "'");
            }
            name = node;
        }
        return name;
    }
}
