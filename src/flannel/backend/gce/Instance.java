package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.json.JsonValue;
import flannel.kernel.Underlay;
import flannel.net.MacAddress;
import java.util.List;
import java.util.Optional;

/**
 * What this host is in the cloud. Its name is the instance's, whatever the host calls itself; its network is that of the interface that
 * leads to the other hosts, and belongs to another project than the instance where the VPC is shared.
 *
 * @param path    {@code projects/P/zones/Z/instances/N}
 * @param network {@code projects/P/global/networks/N}
 * @param address the interface's own address in that network
 */
record Instance(String path, String network, String address) {

    /** More than any instance may have. */
    private static final int MOST_INTERFACES = 32;

    /** Asks the metadata server; where the VPC is shared, also the API: metadata knows other projects by their numbers only. */
    static Instance find(Metadata metadata, Compute compute, Underlay underlay)
            throws CloudException, InterruptedException {
        String project = metadata.get("project/project-id");
        int nic = nic(metadata, underlay);
        String zone = last(metadata.get("instance/zone"));
        String path = "projects/" + project + "/zones/" + zone + "/instances/" + metadata.get("instance/name");
        String network = metadata.get("instance/network-interfaces/" + nic + "/network"); // projects/NUMBER/networks/NAME
        String owner = network.replaceFirst("^projects/", "").replaceFirst("/.*", "");
        boolean isShared = !owner.equals(project) && !owner.equals(metadata.get("project/numeric-project-id"));
        return new Instance(path,
                isShared ? sharedNetwork(compute, path, nic) : "projects/" + project + "/global/networks/" + last(network),
                metadata.get("instance/network-interfaces/" + nic + "/ip"));
    }

    private static String sharedNetwork(Compute compute, String path, int nic) throws CloudException, InterruptedException {
        List<JsonValue> interfaces = compute.get("instances.get", path).list("networkInterfaces");
        String network = nic < interfaces.size() ? Compute.path(interfaces.get(nic).text("network")) : "";
        if (!network.matches("projects/[^/]+/global/networks/[^/]+")) {
            throw new CloudException(Kind.UNUSABLE, "instances.get", path, "", "the answer has no network of nic" + nic, "");
        }
        return network;
    }

    /** An interface is told by its MAC: alias ranges and further addresses have no entry of their own. */
    private static int nic(Metadata metadata, Underlay underlay) throws CloudException, InterruptedException {
        MacAddress mac = underlay.mac();
        StringBuilder seen = new StringBuilder();
        for (int nic = 0; nic < MOST_INTERFACES; nic++) {
            Optional<String> found = metadata.find("instance/network-interfaces/" + nic + "/mac");
            if (found.isEmpty()) {
                break;
            }
            if (found.get().equalsIgnoreCase(mac.toString())) {
                return nic;
            }
            seen.append(nic == 0 ? "" : ", ").append("nic").append(nic).append(' ').append(found.get());
        }
        throw new CloudException(Kind.UNUSABLE, "looking for the network interface",
                underlay.name() + " (" + underlay.address() + ", " + mac + ")", "",
                "the instance has " + (seen.isEmpty() ? "none" : seen), "choose one of these by -iface");
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** The project of the network, which is where its routes are. */
    String networkProject() {
        return network.split("/")[1];
    }

    /** True when the network belongs to another project than the instance (shared VPC). */
    boolean isOnSharedNetwork() {
        return !networkProject().equals(path.split("/")[1]);
    }

    /** For the log. */
    String describe() {
        return "instance " + last(path) + (isOnSharedNetwork() ? " (" + address + ")" : "");
    }
}
