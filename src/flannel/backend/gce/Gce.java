package flannel.backend.gce;

import flannel.backend.Backend;
import flannel.backend.cloud.CloudBackend;
import flannel.backend.cloud.CloudHttp;
import flannel.backend.cloud.LeaseCheck;
import flannel.backend.cloud.RouteKeeper;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** The backend "gce". It has no configuration of its own. */
public final class Gce {

    private Gce() {
    }

    /**
     * Starts the backend. Asks nothing of Google yet: that is its thread's work.
     *
     * @param environment the process's
     * @param fatal       told when its thread has died
     * @throws IllegalArgumentException with one sentence when the environment can't be used
     */
    public static Backend open(NetworkConfig config, Underlay underlay, Map<String, String> environment, LeaseCheck leases, Log log,
            Consumer<Throwable> fatal) {
        CloudHttp http = new CloudHttp(environment, Set.of(Metadata.host(environment).replaceFirst(":\\d+$", "")), null);
        GceRoutes routes = new GceRoutes(environment, http, InstantSource.system(), underlay, config.network(), log);
        RouteKeeper keeper = new RouteKeeper(routes, config, leases, System::nanoTime, RandomGenerator.getDefault(), log);
        return CloudBackend.start(config, underlay, keeper, http, fatal);
    }
}
