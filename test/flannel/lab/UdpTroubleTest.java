package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.udp.Level;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The udp backend over an underlay that loses, doubles, delays and corrupts datagrams: slower, but not one byte is wrong. */
class UdpTroubleTest {

    private static final int BYTES = 20_000_000;

    private static Lab lab;
    private static TroubledRelay relay;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        relay = new TroubledRelay(lab.outside(), "br0", lab.host(1).address(), lab.host(2).address());
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            relay.close();
            lab.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Level.class)
    void everyByteArrives(Level level) throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"udp\", \"Offload\": \"" + level + "\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        one.start(lab.options("-public-ip=" + TroubledRelay.A));
        two.start(lab.options("-public-ip=" + TroubledRelay.B));
        one.daemon().awaitReady();
        two.daemon().awaitReady();
        NetworkNamespace here = one.plugContainer();
        NetworkNamespace there = two.plugContainer();
        Ping.start(here, two.containerAddress()).close();
        Transfer back = Transfer.start(there, here, one.containerAddress(), BYTES);
        Duration took = Transfer.start(here, there, two.containerAddress(), BYTES).finish();
        back.finish();
        System.out.printf("    %s: %d MB each way in %d ms%n", level, BYTES / 1_000_000, took.toMillis());
        assertTrue(Snmp.read(there, "Tcp", "InCsumErrors") > 0, "what was corrupted on the way is left for the receiver to see");
        assertTrue(Snmp.read(here, "Tcp", "RetransSegs") > 0, "something was lost");
    }
}
