package flannel.lease;

import flannel.json.JsonValue;
import flannel.text.Spelling;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The members that a network's configuration can have. Others are passed over, as in Go's decoder, but mostly they are misspelt. */
final class ConfigMembers {

    static final List<String> TOP = List.of("Network", "SubnetLen", "SubnetMin", "SubnetMax", "Backend");

    /** Of newer Go daemons, whose networks these may be too: known, and without effect here. */
    private static final List<String> TOP_ELSEWHERE = List.of("EnableIPv4", "EnableIPv6", "EnableNFTables", "IPv6Network", "IPv6SubnetLen",
            "IPv6SubnetMin", "IPv6SubnetMax");

    /** By type; each has Type besides. */
    static final Map<String, List<String>> BACKEND = Map.of(
            "vxlan", List.of("VNI", "Port", "MTU", "DirectRouting", "Learning", "GBP"),
            "udp", List.of("Port", "Offload", "SourceCheck"),
            "host-gw", List.of(),
            "aws-vpc", List.of("RouteTableID", "RouteTableFilter", "ForwardMetadata"),
            "gce", List.of("ForwardMetadata"),
            "alloc", List.of());

    /** Of the Go daemons on Windows. */
    private static final List<String> BACKEND_ELSEWHERE = List.of("Name", "MacPrefix", "DNSServerList");

    /** More are not told of: a configuration of another program is not worth more lines. */
    private static final int MOST_WARNINGS = 5;

    private ConfigMembers() {
    }

    /** One sentence for each member that has no meaning, and what was probably meant. */
    static List<String> warnings(JsonValue.Obj config, String backendType, JsonValue.Obj backend) {
        List<String> warnings = new ArrayList<>();
        Set<String> ofAnyBackend = Set.copyOf(joined(List.of("Type"), BACKEND.values().stream().flatMap(List::stream).toList()));
        for (String name : config.members().keySet()) {
            if (!has(joined(TOP, TOP_ELSEWHERE), name)) {
                warnings.add("\"" + name + "\" is no member of a network config, and is passed over"
                        + (has(ofAnyBackend, name) ? ": it belongs into Backend" : meant(name, TOP)));
            }
        }
        List<String> members = BACKEND.get(backendType);
        for (String name : members == null ? Set.<String>of() : backend.members().keySet()) {
            if (!has(members, name) && !has(BACKEND_ELSEWHERE, name) && !name.equalsIgnoreCase("Type")) {
                warnings.add("\"" + name + "\" is no member of a Backend of type " + backendType + ", and is passed over"
                        + (has(ofAnyBackend, name) ? "" : meant(name, joined(List.of("Type"), members))));
            }
        }
        return warnings.stream().limit(MOST_WARNINGS).toList();
    }

    private static String meant(String name, Collection<String> known) {
        Optional<String> meant = Spelling.nearest(name, known);
        return meant.isPresent() ? ": did you mean \"" + meant.get() + "\"?" : "";
    }

    private static boolean has(Collection<String> names, String name) {
        return names.stream().anyMatch(name::equalsIgnoreCase);
    }

    private static List<String> joined(List<String> a, List<String> b) {
        List<String> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }
}
