package flannel.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import flannel.json.JsonException;
import flannel.lease.StoreHealth;
import flannel.status.NetworkStatus.Kernel;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Phase;
import flannel.status.NetworkStatus.Store;
import flannel.status.NetworkStatus.Stuck;
import flannel.status.NetworkStatus.Underlay;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StatusJsonTest {

    /** Nothing is known yet but that it runs. */
    private static final Known NEW = new Known("", Phase.UNCONFIGURED, "", "", List.of(), null, new Underlay("eth0", "192.168.32.211"), List.of(),
            new Store(StoreHealth.UNKNOWN, null, ""), new Kernel(0, null, List.of()), List.of(), List.of(), List.of(), Map.of());

    @Test
    void writesEachMemberByItsName() {
        assertEquals("""
                {"version":"1.0.0","pid":4711,"uptimeSeconds":273909,"now":"2026-11-22T10:13:57Z","healthy":false,\
                "troubles":["waiting for the network's config","network blue: the session has not answered for 2 s: it waits for the kernel or a \
                disk, or it hangs; its packets flow on, changes are not followed. If this lasts, restart flanneld"],\
                "memory":{"residentBytes":66060288,"heapUsedBytes":5500000,"heapCommittedBytes":8388608,"heapMaxBytes":67108864,"collections":7,\
                "collectingMillis":31},"networks":[{"name":"","phase":"unconfigured","range":"","backend":"","complaints":[],\
                "interface":{"name":"eth0","address":"192.168.32.211"},"mtus":[],"store":{"api":"","endpoint":"","latencyMicros":0,"trouble":"",\
                "failed":0,"failures":{},"latencyBoundsMillis":[1,5,25,100,500,2500],"latencyCounts":[],"latencyTotalMicros":0},\
                "kernel":{"comparisons":0,"refused":[]},"peers":[],"counters":[],"repairs":[],"repaired":{}},{"name":"blue","stuckMillis":2500}],\
                "events":[{"when":"2026-11-22T10:00:00Z","severity":"INFO","text":"Lease acquired: 10.1.83.0/24"},\
                {"when":"2026-11-22T10:13:50.500Z","severity":"WARNING","text":"Putting back the subnet file"}]}""",
                StatusJson.write(Samples.of(NEW, new Stuck("blue", Duration.ofMillis(2_500)))).toString());
    }

    @Test
    void readsWhatItWrote() throws JsonException {
        Status status = Samples.of(NEW, Samples.troubled(), Samples.probed(), Samples.vxlan(), new Stuck("blue", Duration.ofMillis(1_500)));
        assertEquals(status, StatusJson.read(StatusJson.write(status).toString()));
    }

    @Test
    void readsTheLargestNetwork() throws JsonException {
        Status status = Samples.of(Samples.vxlan(Samples.peers(20_000).toArray(NetworkStatus.Peer[]::new)));
        assertEquals(status, StatusJson.read(StatusJson.write(status).toString()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "{\"memory\":{},\"networks\":[],\"now\":\"noon\"}", "{\"memory\":{},\"networks\":[{}],\"now\":\"x\"}",
        "{\"memory\":{},\"networks\":[{\"phase\":\"asleep\"}],\"now\":\"2026-11-22T10:13:57Z\"}"})
    void refusesWhatIsNoStatus(String text) {
        assertThrows(JsonException.class, () -> StatusJson.read(text));
    }

    @Test
    void passesOnWhatTheOtherSideSays() {
        assertEquals("no such question", assertThrows(JsonException.class, () -> StatusJson.read("{\"error\":\"no such question\"}")).getMessage());
    }

    @Test
    void aNewDaemonIsNotHealthyYet() {
        assertFalse(Samples.of(NEW).isHealthy());
    }
}
