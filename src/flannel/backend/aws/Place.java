package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where this host is in AWS.
 *
 * @param eni      id of the network interface that leads to the other hosts
 * @param subnetId the subnet of the VPC that it is in
 */
record Place(String eni, String subnetId, String vpcId) {

    private static final String INTERFACES = "network/interfaces/macs/";

    /** A zone's region; local zones are called us-west-2-lax-1a. */
    private static final Pattern ZONE = Pattern.compile("^[a-z]+(-[a-z]+)+-\\d+");

    /**
     * Finds the interface by its MAC.
     *
     * @throws CloudException when the instance has no such interface, or when the VPC can't hold routes of this network
     */
    static Place find(Metadata metadata, Underlay underlay, NetworkConfig config) throws CloudException, InterruptedException {
        String mac = INTERFACES + underlay.mac() + "/";
        Optional<String> eni = metadata.get(mac + "interface-id");
        if (eni.isEmpty()) {
            throw new CloudException(Kind.UNUSABLE, "looking for the network interface (ENI) of " + underlay.name(), "", "",
                    "the instance has none with its MAC " + underlay.mac() + " (" + underlay.address() + "), but " + known(metadata),
                    "choose one of these with -iface");
        }
        for (String range : metadata.get(mac + "vpc-ipv4-cidr-blocks").orElse("").split("\\s+")) {
            if (holds(range, config.network())) {
                throw new CloudException(Kind.UNUSABLE, "checking the network's configuration", "", "", "the Network " + config.network()
                        + " lies within the VPC's own range " + range + ", where a VPC routes packets itself",
                        "choose a Network apart from the VPC's ranges");
            }
        }
        return new Place(eni.get(), metadata.require(mac + "subnet-id"), metadata.require(mac + "vpc-id"));
    }

    private static boolean holds(String range, Ipv4Subnet network) {
        try {
            return Ipv4Subnet.parse(range).contains(network);
        } catch (IllegalArgumentException e) {
            return false;       // nothing, or nothing that can be understood: EC2 will say so itself
        }
    }

    private static String known(Metadata metadata) throws CloudException, InterruptedException {
        List<String> interfaces = new ArrayList<>();
        for (String mac : metadata.names(INTERFACES)) {
            interfaces.add(mac + " (" + metadata.get(INTERFACES + mac + "/local-ipv4s").orElse("").replaceAll("\\s+", " ") + ")");
        }
        return String.join(", ", interfaces);
    }

    /** The region: of the environment, of the profile, or the instance's own. */
    static String region(Map<String, String> environment, Map<String, String> profile, Metadata metadata)
            throws CloudException, InterruptedException {
        String configured = environment.getOrDefault("AWS_REGION",
                environment.getOrDefault("AWS_DEFAULT_REGION", profile.getOrDefault("region", ""))).strip();
        if (!configured.isEmpty()) {
            return configured;
        }
        Optional<String> region = metadata.get("placement/region");
        if (region.isPresent()) {
            return region.get();
        }
        String zone = metadata.require("placement/availability-zone");
        Matcher matcher = ZONE.matcher(zone);
        if (!matcher.find()) {
            throw new CloudException(Kind.UNUSABLE, "looking for the region", "", "", "the zone " + zone + " does not tell", "set AWS_REGION");
        }
        return matcher.group();
    }
}
