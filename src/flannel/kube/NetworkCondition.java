package flannel.kube;

import flannel.json.JsonValue;
import flannel.lease.StoreException;
import flannel.log.Log;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Tells the cluster, once the network is in place, that the node has one: its condition NetworkUnavailable becomes False, as newer Go
 * flannels write it. Said once to each node object; what others make of it later is theirs. For one thread, but for {@link #isUp}.
 */
final class NetworkCondition {

    private static final long RETRY_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final ApiServer api;
    private final boolean isWanted;
    private final Log log;
    private volatile boolean up;
    private String toldUid = "";
    private boolean failed;
    private long failedNanos;

    NetworkCondition(ApiServer api, boolean isWanted, Log log) {
        this.api = api;
        this.isWanted = isWanted;
        this.log = log;
    }

    /** The network is in place. */
    void isUp() {
        up = true;
    }

    /** Tells it if that is due. */
    void tell(Node own) throws InterruptedException {
        if (!isWanted || !up || own == null || own.uid().equals(toldUid) || failed && System.nanoTime() - failedNanos < RETRY_NANOS) {
            return;
        }
        String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        JsonValue condition = JsonValue.object("type", "NetworkUnavailable", "status", "False", "lastHeartbeatTime", now, "lastTransitionTime", now,
                "reason", "FlannelIsUp", "message", "Flannel is running on this node");
        try {
            api.patch(KubeSubnetStore.NODES + "/" + own.name() + "/status",
                    JsonValue.object("status", JsonValue.object("conditions", List.of(condition))));
            toldUid = own.uid();
            failed = false;
        } catch (StoreException e) {
            if (!failed) {
                log.error("Unable to set NetworkUnavailable to False for node \"" + own.name() + "\" (trying again each minute): " + e.getMessage());
            }
            failed = true;
            failedNanos = System.nanoTime();
        }
    }
}
