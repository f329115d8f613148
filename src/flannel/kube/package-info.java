/**
 * A Kubernetes cluster as the store ({@code -kube-subnet-mgr}): a node's podCIDR is its subnet, and what a lease says elsewhere stands in
 * annotations of the node, the same as of Go flannels.
 *
 * <pre>
 *   KubeOptions -> ApiAccess (in a pod, Kubeconfig by Yaml, or a URL) -> ApiServer: requests, ApiStream: what is still arriving
 *   KubeSubnetStore: lists, watches, patches;  NodeTable: what the nodes say, and so what is told;  NetConfigFile: the network's config
 * </pre>
 *
 * It knows of leases, JSON, certificates and small files; nothing of the kernel, of backends or of the daemon.
 */
package flannel.kube;
