package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.CloudRoute;
import flannel.backend.cloud.RouteTable;
import flannel.backend.cloud.RouteTables;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The route tables of an Amazon VPC that lead to this host: those that the configuration names, or that bear its tags, or else the one of
 * the subnet that the host is in. Only this host's interface is ever a target of what it writes.
 */
final class VpcRouteTables implements RouteTables {

    /** What each table may have unless AWS was asked for more, or is an old account's; up to 1,000. */
    private static final int USUAL_QUOTA = 500;

    /** A VPC has 200 tables at most unless AWS was asked for more, and a page five at least. */
    private static final int MOST_PAGES = 100;

    private final AwsSession session;
    private final VpcConfig config;
    private final Log log;
    private boolean admitted;
    private boolean createTried;

    VpcRouteTables(AwsSession session, VpcConfig config, Log log) {
        this.session = session;
        this.config = config;
        this.log = log;
    }

    @Override
    public String self() {
        return session.known().eni();
    }

    // ---- reading ----

    @Override
    public List<RouteTable> list() throws CloudException, InterruptedException {
        Place place = session.place();
        List<RouteTable> found = !config.tableIds().isEmpty() ? byIds(place) : !config.tags().isEmpty() ? byTags(place) : ofSubnet(place);
        if (found.isEmpty()) {
            throw new CloudException(Kind.GONE, "DescribeRouteTables", place.vpcId(), "", config.tags().isEmpty()
                    ? "there is no route table that this account sees (a shared VPC's are its owner's)"
                    : "no route table bears the tags of RouteTableFilter", "name the tables by RouteTableID in the network's configuration");
        }
        return found;
    }

    private List<RouteTable> byIds(Place place) throws CloudException, InterruptedException {
        Form form = describe();
        for (int i = 0; i < config.tableIds().size(); i++) {
            form.with("RouteTableId." + (i + 1), config.tableIds().get(i));
        }
        return tables(form, String.join(", ", config.tableIds()), place).nearestFirst();
    }

    private List<RouteTable> byTags(Place place) throws CloudException, InterruptedException {
        Form form = filter(describe(), 1, "vpc-id", place.vpcId());
        for (int i = 0; i < config.tags().size(); i++) {
            filter(form, i + 2, "tag:" + config.tags().get(i).key(), config.tags().get(i).value());
        }
        return tables(form, place.vpcId(), place).nearestFirst();
    }

    /**
     * A subnet without a table of its own uses the VPC's main table, and nothing says so but that it has none of its own. So all tables are
     * asked for: one request, where two would be needed else.
     */
    private List<RouteTable> ofSubnet(Place place) throws CloudException, InterruptedException {
        Tables all = tables(filter(describe(), 1, "vpc-id", place.vpcId()), place.vpcId(), place);
        String id = all.ofSubnet().isEmpty() ? all.main() : all.ofSubnet();
        return all.byId().containsKey(id) ? List.of(all.byId().get(id)) : List.of();
    }

    private static Form describe() {
        return new Form("DescribeRouteTables", QueryApi.VERSION);
    }

    private static Form filter(Form form, int number, String name, String value) {
        return form.with("Filter." + number + ".Name", name).with("Filter." + number + ".Value.1", value);
    }

    /**
     * What was asked for, by id.
     *
     * @param ofSubnet id of the one that this host's own subnet is associated with; empty for none
     * @param main     id of the VPC's main table; empty for none
     */
    private record Tables(Map<String, RouteTable> byId, String ofSubnet, String main) {

        List<RouteTable> nearestFirst() {
            List<RouteTable> ordered = new ArrayList<>(byId.values());
            ordered.sort(Comparator.comparing(table -> !table.id().equals(ofSubnet)));
            return ordered;
        }
    }

    /** Asks page by page. A table's routes may go over several pages. */
    private Tables tables(Form form, String resource, Place place) throws CloudException, InterruptedException {
        Map<String, RouteTable> tables = new LinkedHashMap<>();
        String ofSubnet = "";
        String main = "";
        String next = "";
        for (int pages = 0; pages == 0 || !next.isEmpty(); pages++) {
            if (pages == MOST_PAGES) {
                throw new CloudException(Kind.TRANSIENT, "DescribeRouteTables", resource, "", "the answer has more than " + pages + " pages", "");
            }
            Xml answer = session.api().call("DescribeRouteTables", resource, pages == 0 ? form : form.copy().with("NextToken", next));
            for (Xml item : answer.items("routeTableSet")) {
                RouteTable table = table(item, place, tables.get(item.text("routeTableId")));
                tables.put(table.id(), table);
                for (Xml association : item.items("associationSet")) {
                    ofSubnet = association.text("subnetId").equals(place.subnetId()) ? table.id() : ofSubnet;
                    main = association.text("main").equals("true") ? table.id() : main;
                }
            }
            next = answer.text("nextToken");
        }
        return new Tables(tables, ofSubnet, main);
    }

    private static RouteTable table(Xml item, Place place, RouteTable begun) throws CloudException {
        Set<CloudRoute> routes = new LinkedHashSet<>(begun == null ? List.of() : begun.routes());
        int used = begun == null ? 0 : begun.used();
        for (Xml route : item.items("routeSet")) {
            String destination = route.text("destinationCidrBlock");
            // IPv6 and prefix lists have quotas and names of their own
            if (!destination.isEmpty() && routes.add(route(subnet(destination), route, place))) {
                used += route.text("origin").equals("EnableVgwRoutePropagation") ? 0 : 1;
            }
        }
        return new RouteTable(item.text("routeTableId"), List.copyOf(routes), used, new RouteTable.Quota(AwsError.QUOTA, USUAL_QUOTA));
    }

    private static Ipv4Subnet subnet(String text) throws CloudException {
        try {
            return Ipv4Subnet.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CloudException(Kind.TRANSIENT, "DescribeRouteTables", "", "", "a route's destination " + e.getMessage(), "");
        }
    }

    private static CloudRoute route(Ipv4Subnet destination, Xml route, Place place) {
        String eni = route.text("networkInterfaceId");
        String instance = route.text("instanceId");
        boolean host = !eni.isEmpty() || !instance.isEmpty();
        String target = host ? eni.isEmpty() ? instance : eni : route.children().stream().filter(each -> each.name().endsWith("Id"))
                .map(Xml::text).findFirst().orElse("a target that is gone");
        CloudRoute.Kind kind = !route.text("origin").equals("CreateRoute") || target.equals("local") ? CloudRoute.Kind.FOREIGN
                : eni.equals(place.eni()) ? CloudRoute.Kind.OWN
                : host && route.text("state").equals("blackhole") ? CloudRoute.Kind.DEAD
                : CloudRoute.Kind.ELSEWHERE;
        return new CloudRoute(destination, destination.toString(), target, kind);
    }

    // ---- writing ----

    @Override
    public void put(RouteTable table, Ipv4Subnet destination, CloudRoute before) throws CloudException, InterruptedException {
        String resource = destination + " in " + table.id();
        if (before != null) {
            QueryApi.Result result = session.api().ask("ReplaceRoute", resource, toSelf("ReplaceRoute", table, destination));
            switch (result) {
                case QueryApi.Result.Done done -> {
                    return;
                }
                case QueryApi.Result.Refused(AwsError error) when error.isNoRouteToReplace() -> {
                    // it went since it was read
                }
                case QueryApi.Result.Refused(AwsError error) -> throw error.toException("ReplaceRoute", resource);
            }
        }
        createTried = true;
        session.api().call("CreateRoute", resource, toSelf("CreateRoute", table, destination));
    }

    private Form toSelf(String action, RouteTable table, Ipv4Subnet destination) throws CloudException, InterruptedException {
        return routeForm(action, table, destination).with("NetworkInterfaceId", session.place().eni());
    }

    private static Form routeForm(String action, RouteTable table, Ipv4Subnet destination) {
        return new Form(action, QueryApi.VERSION).with("RouteTableId", table.id()).with("DestinationCidrBlock", destination.toString());
    }

    @Override
    public void delete(RouteTable table, CloudRoute route) throws CloudException, InterruptedException {
        String resource = route.destination() + " in " + table.id();
        Form form = routeForm("DeleteRoute", table, route.destination());
        if (session.api().ask("DeleteRoute", resource, form) instanceof QueryApi.Result.Refused(AwsError error)
                && !error.code().equals("InvalidRoute.NotFound")) {
            throw error.toException("DeleteRoute", resource);
        }
    }

    /** Switches the source/destination check of this interface off, which drops packets of other addresses than its own. */
    @Override
    public void admit() throws CloudException, InterruptedException {
        String eni = session.place().eni();
        Form read = new Form("DescribeNetworkInterfaces", QueryApi.VERSION).with("NetworkInterfaceId.1", eni);
        switch (session.api().ask("DescribeNetworkInterfaces", eni, read)) {
            case QueryApi.Result.Done(Xml answer) when answer.items("networkInterfaceSet").stream()
                    .allMatch(each -> each.text("sourceDestCheck").equals("false")) -> {
                return;
            }
            case QueryApi.Result.Done(Xml answer) -> admitted = false;
            case QueryApi.Result.Refused(AwsError error) when error.kind() == Kind.DENIED -> {
                // the policy of an older flannel has no right to look, but one to write: that once, then
            }
            case QueryApi.Result.Refused(AwsError error) -> throw error.toException("DescribeNetworkInterfaces", eni);
        }
        if (!admitted) {
            Form off = new Form("ModifyNetworkInterfaceAttribute", QueryApi.VERSION).with("NetworkInterfaceId", eni)
                    .with("SourceDestCheck.Value", "false");
            if (session.api().ask("ModifyNetworkInterfaceAttribute", eni, off) instanceof QueryApi.Result.Refused(AwsError error)) {
                throw error.toException("ModifyNetworkInterfaceAttribute", eni + " (to switch off its source/destination check, which drops"
                        + " the containers' packets)");
            }
            admitted = true;
            log.info("Switched the source/destination check of " + eni + " off");
        }
    }

    @Override
    public void rehearse(RouteTable table, Ipv4Subnet destination) throws CloudException, InterruptedException {
        List<Form> rehearsed = new ArrayList<>(List.of(toSelf("ReplaceRoute", table, destination),
                routeForm("DeleteRoute", table, destination)));
        if (!createTried) {
            rehearsed.add(toSelf("CreateRoute", table, destination));
        }
        List<String> denied = new ArrayList<>();
        for (Form form : rehearsed) {
            String action = form.action();
            if (session.api().ask(action, table.id(), form.with("DryRun", "true")) instanceof QueryApi.Result.Refused(AwsError error)) {
                switch (error.kind()) {
                    case THROTTLED, TRANSIENT -> throw error.toException(action, table.id());
                    case DENIED -> denied.add("ec2:" + action);
                    default -> {
                        // allowed: that is said by an error too
                    }
                }
            }
        }
        if (!denied.isEmpty()) {
            throw new CloudException(Kind.DENIED, "a check of the rights", table.id(), "UnauthorizedOperation", "",
                    "allow " + String.join(", ", denied) + " in the policy of the role or user (see flanneld(8), THE BACKEND AWS-VPC)");
        }
    }
}
