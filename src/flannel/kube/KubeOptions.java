package flannel.kube;

import java.nio.file.Path;
import java.util.Map;

/**
 * How the cluster is reached and spoken to; empty text means that an option was not given.
 *
 * @param isWanted         {@code -kube-subnet-mgr}: false when the store is another one
 * @param apiUrl           {@code -kube-api-url}
 * @param kubeconfig       {@code -kubeconfig-file}
 * @param netConfig        {@code -net-config-path}
 * @param annotationPrefix {@code -kube-annotation-prefix}
 * @param tellsCondition   {@code -set-node-network-unavailable}: whether the node is said to have its network once it has
 * @param environment      of the process: a pod's API server, this node's or pod's name, proxies
 */
public record KubeOptions(boolean isWanted, String apiUrl, String kubeconfig, Path netConfig, String annotationPrefix, boolean tellsCondition,
        Map<String, String> environment) {

    /** The store is another one. */
    public static KubeOptions none() {
        return new KubeOptions(false, "", "", Path.of("/etc/kube-flannel/net-conf.json"), "flannel.alpha.coreos.com", true, Map.of());
    }

    /**
     * Checks what is wrong whatever files and servers there are.
     *
     * @throws IllegalArgumentException with a sentence that names the option or variable
     */
    public void check() {
        Annotations.of(annotationPrefix);
        if (kubeconfig.isEmpty()) {
            ApiAccess.of(this, ApiAccess.SERVICE_ACCOUNT);
        }
        new NodeName(environment);
    }
}
