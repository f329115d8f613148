package flannel.etcd;

import flannel.log.Log;
import flannel.net.HttpProxies;
import flannel.tls.Tls;

/** What all that speaks to one etcd shares: one HTTP client, and one token of its v3 API. */
final class EtcdConnection {

    private final EtcdOptions options;
    private final EtcdHttp http;
    private final EtcdV3Gateway gateway;
    private final Log log;

    private EtcdConnection(EtcdOptions options, EtcdHttp http, Log log) {
        this.options = options;
        this.http = http;
        this.log = log;
        gateway = new EtcdV3Gateway(http, options.folder() + "/", options.username(), options.password());
    }

    /** @throws IllegalArgumentException with a sentence when an option can't be used */
    static EtcdConnection open(EtcdOptions options, EtcdTimeouts timeouts, Log log) {
        options.check();
        EtcdHttp http = new EtcdHttp(options.urls(), new HttpProxies(options.environment()), Tls.read(options.tls(), log), timeouts);
        return new EtcdConnection(options, http, log);
    }

    EtcdOptions options() {
        return options;
    }

    EtcdStore v2(EtcdKeys keys) {
        return new EtcdV2Registry(http, keys, options.username(), options.password());
    }

    EtcdStore v3(EtcdKeys keys) {
        return new EtcdV3Registry(http, keys, gateway);
    }

    /** The network whose config and leases are in a folder. */
    LeaseRegistry registry(String folder) {
        LeaseKeys keys = new LeaseKeys(folder);
        EtcdStore v2 = v2(keys);
        EtcdStore v3 = v3(keys);
        return switch (options.api()) {
            case "auto" -> new AutoRegistry(v2, v3, keys.config(), log);
            case "v2" -> new ForcedRegistry(v2, v3, keys.config(), log);
            case "v3" -> new ForcedRegistry(v3, v2, keys.config(), log);
            default -> throw new AssertionError(options.api()); // checked
        };
    }

    void close() {
        http.close();
    }
}
