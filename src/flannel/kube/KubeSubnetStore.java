package flannel.kube;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.lease.SubnetStore;
import flannel.log.Log;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * The subnets of a network as a Kubernetes cluster has them: {@code -kube-subnet-mgr}. Which subnet this host gets, whoever gives nodes their
 * podCIDR decides; it has no end. What this host tells the others it writes into its node's annotations, by patches of nodes/status, as Go
 * flannels do. Needs no right but theirs: list and watch nodes, patch nodes/status, get pods.
 */
public final class KubeSubnetStore implements SubnetStore {

    static final String NODES = "/api/v1/nodes";

    /** A server that changes a node at the same time as another client tells of a conflict, though the patch names no version. */
    private static final int MOST_CONFLICTS = 5;

    private final KubeOptions options;
    private final ApiServer api;
    private final NodeName name;
    private final Annotations annotations;
    private final NodeFollower follower;
    private final RandomGenerator random;
    /** What this host's lease says, or may say while it is written; empty as long as it wants none. */
    private volatile List<LeaseAttributes> mine = List.of();

    KubeSubnetStore(KubeOptions options, ApiAccess access, NodeFollower.Times times, RandomGenerator random, Log log) {
        this.options = options;
        this.random = random;
        name = new NodeName(options.environment());
        annotations = Annotations.of(options.annotationPrefix());
        api = new ApiServer(access, annotations.names(), options.environment(), log);
        follower = new NodeFollower(api, name, annotations, () -> mine, new NetConfigFile(options.netConfig(), log),
                new NetworkCondition(api, options.tellsCondition(), log), times, random, log);
    }

    /**
     * Needs the files that the options name, but no server: that is asked for the first time when it is followed.
     *
     * @throws IllegalArgumentException with a sentence when an option or the environment can't be used
     */
    public static SubnetStore open(KubeOptions options, Log log) {
        return new KubeSubnetStore(options, ApiAccess.of(options, ApiAccess.SERVICE_ACCOUNT), NodeFollower.Times.DEFAULT,
                RandomGenerator.getDefault(), log);
    }

    @Override
    public String configPlace() {
        return "network config in the file " + options.netConfig() + " (-net-config-path)";
    }

    @Override
    public StoreHealth health() {
        return api.health();
    }

    @Override
    public void follow(Consumer<StoreEvent> sink) throws InterruptedException {
        follower.run(sink);
    }

    @Override
    public Collection<Entry> read() throws StoreException, InterruptedException {
        return follower.read();
    }

    @Override
    public void networkIsUp() {
        follower.networkIsUp();
    }

    // ---- this host's node ----

    @Override
    public Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException {
        Node node = own();
        if (node == null) {
            throw new StoreException("there is no node \"" + name.get(api) + "\" in the cluster: a kubelet makes it, and NODE_NAME has to be its name");
        }
        if (node.subnet() == null) {
            throw new StoreException("node \"" + node.name() + "\" pod cidr not assigned: the controller manager does that when it runs with"
                    + " --allocate-node-cidrs, or set the node's spec.podCIDR");
        }
        if (!wish.config().network().contains(node.subnet())) {
            throw new StoreException("the network " + wish.config().network() + " of -net-config-path does not contain the podCIDR " + node.subnet()
                    + " of node \"" + node.name() + "\": make Network the controller manager's --cluster-cidr");
        }
        return new Taken(write(node, wish.attributes()), null);
    }

    @Override
    public Lease renew(Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException {
        return write(unchanged(held), attributes);
    }

    /** The node's range stays its; the others only are no longer told how it is reached. */
    @Override
    public void giveBack(Lease held) throws StoreException, InterruptedException {
        Map<String, JsonValue> none = new HashMap<>();
        annotations.written().forEach(annotation -> none.put(annotation, new JsonValue.Null()));
        for (int conflicts = 0;; conflicts++) {
            Node node = unchanged(held);
            if (!annotations.says(node, held.attributes())) {
                throw new LeaseConflictException("the annotations of node \"" + node.name() + "\" are not what this host wrote");
            }
            try {
                mine = List.of();
                follower.written(patch(node, JsonValue.object("metadata", JsonValue.object("resourceVersion", Long.toString(node.version()),
                        "annotations", new JsonValue.Obj(none)))));
                return;
            } catch (ApiException e) {
                waitAfter(e, conflicts);
            }
        }
    }

    /** The node as the server has it now; null when it has none. Asked for as a list, for who may list may not always get. */
    private Node own() throws StoreException, InterruptedException {
        List<JsonValue> found = new ArrayList<>();
        api.list(NODES + "?fieldSelector=metadata.name%3D" + name.get(api), found::add);
        return found.isEmpty() ? null : node(found.getFirst());
    }

    private Node unchanged(Lease held) throws StoreException, InterruptedException {
        Node node = own();
        if (node == null || !held.subnet().equals(node.subnet())) {
            throw new LeaseConflictException(node == null ? "node \"" + name.get(api) + "\" is gone"
                    : "the podCIDR of node \"" + node.name() + "\" is " + (node.subnet() == null ? "gone" : "now " + node.subnet()));
        }
        return node;
    }

    /** Has the node say what the lease is to say. */
    private Lease write(Node node, LeaseAttributes attributes) throws StoreException, InterruptedException {
        Node now = node;
        mine = Stream.concat(Stream.of(attributes), mine.stream().limit(1)).toList(); // the watch may tell of either
        for (int conflicts = 0; !annotations.says(now, attributes); conflicts++) {
            Map<String, JsonValue> wanted = new HashMap<>();
            annotations.wanted(now, attributes).forEach((annotation, value) -> wanted.put(annotation, new JsonValue.Str(value)));
            try {
                now = patch(now, JsonValue.object("metadata", JsonValue.object("annotations", new JsonValue.Obj(wanted))));
                break;
            } catch (ApiException e) {
                waitAfter(e, conflicts);
                now = own();
                if (now == null || !node.subnet().equals(now.subnet())) {
                    throw new LeaseConflictException("node \"" + node.name() + "\" was made anew meanwhile");
                }
            }
        }
        mine = List.of(attributes);
        follower.written(now);
        return new Lease(node.subnet(), attributes, new Lease.Never(), now.version());
    }

    private Node patch(Node node, JsonValue change) throws StoreException, InterruptedException {
        return node(api.patch(NODES + "/" + node.name() + "/status", change));
    }

    private void waitAfter(ApiException e, int conflicts) throws StoreException, InterruptedException {
        if (e.status() != ApiException.CONFLICT || conflicts >= MOST_CONFLICTS) {
            throw e;
        }
        Thread.sleep(random.nextLong(50, 100) << conflicts);
    }

    private static Node node(JsonValue json) throws StoreException {
        try {
            return Node.parse(json);
        } catch (JsonException e) {
            throw new StoreException("the Kubernetes API server answered what is no node: " + e.getMessage(), e);
        }
    }

    @Override
    public void reconnect() {
        api.reconnect();
    }

    @Override
    public void close() {
        api.close();
    }
}
