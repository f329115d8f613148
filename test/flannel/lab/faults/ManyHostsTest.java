package flannel.lab.faults;

import flannel.lab.Needs;
import flannel.lab.Store;
import org.junit.jupiter.api.Test;

/** Hosts that start in the same second; more of them, and with the other store, by {@code ./build.sh test-faults --hosts N}. */
class ManyHostsTest {

    private static final int HOSTS = 12;

    @Test
    void eachHasASubnetOfItsOwnAndAWayToAllOthers() throws Exception {
        Needs.programs();
        ManyHosts.start(HOSTS, Store.Api.V3);
    }
}
