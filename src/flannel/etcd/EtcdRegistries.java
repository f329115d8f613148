package flannel.etcd;

import flannel.lease.LeaseRegistry;
import flannel.log.Log;

/** Makes the store of a network out of the options. */
public final class EtcdRegistries {

    private EtcdRegistries() {
    }

    /**
     * Needs the files that the options name, but not etcd: that is asked for the first time by {@link LeaseRegistry#list}.
     *
     * @throws IllegalArgumentException with a sentence when an option can't be used
     */
    public static LeaseRegistry open(EtcdOptions options, Log log) {
        return open(options, EtcdTimeouts.DEFAULT, log);
    }

    static LeaseRegistry open(EtcdOptions options, EtcdTimeouts timeouts, Log log) {
        EtcdHttp http = new EtcdHttp(options.urls(), Tls.read(options, log), timeouts);
        LeaseKeys keys = new LeaseKeys(options.folder(), log);
        EtcdStore v2 = new EtcdV2Registry(http, keys, options.username(), options.password());
        EtcdStore v3 = new EtcdV3Registry(http, keys, options.username(), options.password());
        return switch (options.api()) {
            case "auto" -> new AutoRegistry(v2, v3, keys.config(), log);
            case "v2" -> new ForcedRegistry(v2, v3, keys.config(), log);
            case "v3" -> new ForcedRegistry(v3, v2, keys.config(), log);
            default -> throw new IllegalArgumentException("-etcd-api=" + options.api() + " is not auto, v2 or v3");
        };
    }
}
