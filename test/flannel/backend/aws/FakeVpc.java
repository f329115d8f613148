package flannel.backend.aws;

import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * A VPC: subnets, route tables, network interfaces and their instances, with EC2's own rules. A read may see it as it was a while ago. Only
 * {@link FakeAws} speaks its wire format.
 */
public final class FakeVpc {

    public static final String ID = "vpc-0fa4e0000000000a1";
    public static final String CIDR = "192.168.32.0/24";

    private final InstantSource clock;
    private final Map<String, Table> tables = new LinkedHashMap<>();
    private final Map<String, Eni> enis = new LinkedHashMap<>();
    private int quota = 500;
    private Duration lag = Duration.ZERO;
    private int sequence;
    private Runnable changed = () -> { };

    FakeVpc(InstantSource clock) {
        this.clock = clock;
    }

    /** A refusal as EC2 words it. */
    static final class Refusal extends Exception {

        private static final long serialVersionUID = 1L;

        private final int status;
        private final String code;

        Refusal(int status, String code, String message) {
            super(message);
            this.status = status;
            this.code = code;
        }

        int status() {
            return status;
        }

        String code() {
            return code;
        }
    }

    /** @param target an interface's id, "local", or another gateway's */
    public record Route(String destination, String target, String origin) {
    }

    /** A network interface; dead when its instance does not run. */
    public static final class Eni {

        final String id;
        final String mac;
        final String address;
        final String subnet;
        final String instance;
        boolean sourceDestCheck = true;
        boolean alive = true;

        Eni(String id, String mac, String address, String subnet, String instance) {
            this.id = id;
            this.mac = mac;
            this.address = address;
            this.subnet = subnet;
            this.instance = instance;
        }

        public String id() {
            return id;
        }

        public String address() {
            return address;
        }

        public String mac() {
            return mac;
        }

        public String subnet() {
            return subnet;
        }

        public boolean sourceDestCheck() {
            return sourceDestCheck;
        }
    }

    /** A route table and what it was before. */
    private static final class Table {

        final String id;
        final boolean main;
        final List<String> subnets = new ArrayList<>();
        final Map<String, String> tags = new LinkedHashMap<>();
        final NavigableMap<Instant, Map<String, Route>> versions = new TreeMap<>();

        Table(String id, boolean main, Instant now) {
            this.id = id;
            this.main = main;
            versions.put(now, new LinkedHashMap<>(Map.of(CIDR, new Route(CIDR, "local", "CreateRouteTable"))));
        }

        Map<String, Route> newest() {
            return versions.lastEntry().getValue();
        }

        Map<String, Route> seen(Instant at) {
            return (versions.floorEntry(at) == null ? versions.firstEntry() : versions.floorEntry(at)).getValue();
        }
    }

    // ---- what a test sets up ----

    /** @param tag "key=value"; empty for none */
    public synchronized String table(boolean main, String tag, String... subnets) {
        String id = String.format("rtb-%017x", ++sequence);
        Table table = new Table(id, main, clock.instant());
        table.subnets.addAll(List.of(subnets));
        if (!tag.isEmpty()) {
            table.tags.put(tag.substring(0, tag.indexOf('=')), tag.substring(tag.indexOf('=') + 1));
        }
        tables.put(id, table);
        return id;
    }

    /** An instance with one interface. */
    public synchronized Eni instance(String mac, String address, String subnet) {
        int number = ++sequence;
        Eni eni = new Eni(String.format("eni-%017x", number), mac, address, subnet, String.format("i-%017x", number));
        enis.put(eni.id, eni);
        return eni;
    }

    public synchronized void stop(Eni eni) {
        eni.alive = false;
        changed.run();
    }

    public synchronized void restart(Eni eni) {
        eni.alive = true;
        changed.run();
    }

    /** Its interface is deleted too. */
    public synchronized void terminate(Eni eni) {
        eni.alive = false;
        enis.remove(eni.id);
        changed.run();
    }

    public synchronized void quota(int routes) {
        quota = routes;
    }

    /** Reads lag behind writes from now on. */
    public synchronized void lag(Duration duration) {
        lag = duration;
    }

    /** Somebody else writes a route, of any kind. */
    public synchronized void write(String table, Route route) {
        version(tables.get(table)).put(route.destination(), route);
        changed.run();
    }

    /** Called after each change. */
    public synchronized void onChange(Runnable listener) {
        changed = listener;
    }

    /** The routes as they are, but for the local one, by destination. */
    public synchronized Map<String, String> routes(String table) {
        Map<String, String> targets = new TreeMap<>();
        tables.get(table).newest().values().stream().filter(route -> !route.target().equals("local"))
                .forEach(route -> targets.put(route.destination(), route.target()));
        return targets;
    }

    /** How many routes there are but for the local one. */
    synchronized int size(String table) {
        return tables.get(table).newest().size() - 1;
    }

    /** The interface of that id; null when there is none, or its instance does not run. */
    public synchronized Eni living(String id) {
        Eni eni = enis.get(id);
        return eni == null || !eni.alive ? null : eni;
    }

    // ---- what EC2 does ----

    private Map<String, Route> version(Table table) {
        Map<String, Route> next = new LinkedHashMap<>(table.newest());
        table.versions.put(clock.instant(), next);
        return next;
    }

    private Table known(String id) throws Refusal {
        Table table = tables.get(id);
        if (table == null) {
            throw new Refusal(400, "InvalidRouteTableID.NotFound", "The routeTable ID '" + id + "' does not exist");
        }
        return table;
    }

    private void checkTarget(String eni) throws Refusal {
        if (!enis.containsKey(eni)) {
            throw new Refusal(400, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '" + eni + "' does not exist");
        }
    }

    private static void checkDestination(String destination) throws Refusal {
        if (Ipv4Subnet.parse(CIDR).contains(Ipv4Subnet.parse(destination))) {
            throw new Refusal(400, "InvalidParameterValue", "Route destination doesn't match any subnet CIDR blocks.");
        }
    }

    synchronized void createRoute(String tableId, String destination, String eni) throws Refusal {
        Table table = known(tableId);
        checkTarget(eni);
        checkDestination(destination);
        Route there = table.newest().get(destination);
        if (there != null && !there.target().equals(eni)) {
            throw new Refusal(400, "RouteAlreadyExists", "The route identified by " + destination + " already exists.");
        }
        if (there == null && table.newest().size() >= quota) {
            throw new Refusal(400, "RouteLimitExceeded", "The maximum number of routes has been reached.");
        }
        version(table).put(destination, new Route(destination, eni, "CreateRoute"));
        changed.run();
    }

    synchronized void replaceRoute(String tableId, String destination, String eni) throws Refusal {
        Table table = known(tableId);
        checkTarget(eni);
        if (!table.newest().containsKey(destination)) {
            throw new Refusal(400, "InvalidParameterValue",
                    "There is no route defined for '" + destination + "' in the route table. Use CreateRoute instead.");
        }
        version(table).put(destination, new Route(destination, eni, "CreateRoute"));
        changed.run();
    }

    synchronized void deleteRoute(String tableId, String destination) throws Refusal {
        Table table = known(tableId);
        Route there = table.newest().get(destination);
        if (there == null) {
            throw new Refusal(400, "InvalidRoute.NotFound", "no route with destination-cidr-block " + destination + " in route table " + tableId);
        }
        if (there.target().equals("local")) {
            throw new Refusal(400, "InvalidParameterValue", "cannot remove local route " + destination + " in route table " + tableId);
        }
        version(table).remove(destination);
        changed.run();
    }

    /** As flanneld did when it last ran. */
    synchronized void disableCheck(Eni eni) {
        eni.sourceDestCheck = false;
    }

    synchronized void disableCheck(String eni) throws Refusal {
        checkTarget(eni);
        enis.get(eni).sourceDestCheck = false;
        changed.run();
    }

    synchronized String describeInterface(String id) throws Refusal {
        checkTarget(id);
        Eni eni = enis.get(id);
        return "<networkInterfaceSet><item><networkInterfaceId>" + eni.id + "</networkInterfaceId><subnetId>" + eni.subnet + "</subnetId><vpcId>" + ID
                + "</vpcId><status>in-use</status><sourceDestCheck>" + eni.sourceDestCheck + "</sourceDestCheck><attachment><instanceId>"
                + eni.instance + "</instanceId></attachment></item></networkInterfaceSet>";
    }

    /** The ids of the tables that a request asks for. */
    synchronized List<String> select(List<String> ids, Map<String, List<String>> filters) throws Refusal {
        for (String id : ids) {
            known(id);
        }
        List<String> found = new ArrayList<>();
        for (Table table : tables.values()) {
            boolean wanted = ids.isEmpty() || ids.contains(table.id);
            for (Map.Entry<String, List<String>> filter : filters.entrySet()) {
                wanted &= filter.getValue().stream().anyMatch(value -> matches(table, filter.getKey(), value));
            }
            if (wanted) {
                found.add(table.id);
            }
        }
        return found;
    }

    private static boolean matches(Table table, String filter, String value) {
        return switch (filter) {
            case "vpc-id" -> value.equals(ID);
            case "association.main" -> value.equals(Boolean.toString(table.main));
            case "association.subnet-id" -> table.subnets.contains(value);
            default -> filter.startsWith("tag:") && value.equals(table.tags.get(filter.substring(4)));
        };
    }

    synchronized String describeTable(String id) {
        Table table = tables.get(id);
        StringBuilder xml = new StringBuilder("<item><routeTableId>" + id + "</routeTableId><vpcId>" + ID + "</vpcId><associationSet>");
        if (table.main) {
            xml.append("<item><main>true</main><routeTableId>").append(id).append("</routeTableId></item>");
        }
        for (String subnet : table.subnets) {
            xml.append("<item><main>false</main><routeTableId>").append(id).append("</routeTableId><subnetId>").append(subnet).append("</subnetId></item>");
        }
        xml.append("</associationSet><routeSet>");
        xml.append("<item><destinationIpv6CidrBlock>fd00::/56</destinationIpv6CidrBlock><gatewayId>local</gatewayId><origin>CreateRouteTable</origin>"
                + "<state>active</state></item>");
        for (Route route : table.seen(clock.instant().minus(lag)).values()) {
            xml.append("<item><destinationCidrBlock>").append(route.destination()).append("</destinationCidrBlock>");
            boolean host = route.target().startsWith("eni-");
            Eni eni = enis.get(route.target());
            xml.append(host ? "<networkInterfaceId>" + route.target() + "</networkInterfaceId>" : "<gatewayId>" + route.target() + "</gatewayId>");
            if (eni != null) {
                xml.append("<instanceId>").append(eni.instance).append("</instanceId><instanceOwnerId>123456789012</instanceOwnerId>");
            }
            xml.append("<origin>").append(route.origin()).append("</origin><state>")
                    .append(host && (eni == null || !eni.alive) ? "blackhole" : "active").append("</state></item>");
        }
        return xml.append("</routeSet><tagSet/></item>").toString();
    }
}
