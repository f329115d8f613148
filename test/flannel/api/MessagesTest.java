package flannel.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreEvent;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Wish;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that were seen between Go daemons of 0.7.1, and ours beside them. */
class MessagesTest {

    private static final Instant END = Instant.parse("2026-11-23T10:23:44.472720738Z");
    private static final LeaseAttributes THEIRS = new LeaseAttributes(Ipv4.parse("192.168.32.212"), "host-gw", null, "");
    private static final Lease LEASE = new Lease(Ipv4Subnet.parse("10.1.4.0/24"), THEIRS, new Lease.At(END), 124);

    @Test
    void aConfigIsToldWithAllThatFollowsFromIt() {
        assertEquals("{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.1.0\",\"SubnetMax\":\"10.1.255.0\",\"SubnetLen\":24,"
                + "\"Backend\":{\"Type\":\"host-gw\"}}", Messages.config(NetworkConfig.parse(
                "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"host-gw\"}}")));
    }

    @Test
    void aListIsAsGoDaemonsTellIt() throws Exception {
        Changes go = Changes.parse("{\"events\":null,\"snapshot\":[{\"Subnet\":\"10.1.4.0/24\",\"Attrs\":{\"PublicIP\":\"192.168.32.212\","
                + "\"BackendType\":\"host-gw\"},\"Expiration\":\"2026-11-23T10:23:44.472720738Z\"}],\"cursor\":\"124\"}\n", Duration.ZERO);
        assertEquals(new Changes(List.of(LEASE), List.of(), "124", new Moment("", 124)), go);
        assertEquals("{\"events\":null,\"snapshot\":[{\"Subnet\":\"10.1.4.0/24\",\"Attrs\":{\"PublicIP\":\"192.168.32.212\","
                + "\"BackendType\":\"host-gw\"},\"Expiration\":\"2026-11-23T10:23:44.472720738Z\",\"AsOf\":124}],\"cursor\":\"r1-7\","
                + "\"store\":\"cdf8\",\"revision\":130}", Changes.snapshot(List.of(LEASE), "r1-7", new Moment("cdf8", 130)));
    }

    @Test
    void eventsAreAsGoDaemonsTellThem() throws Exception {
        Changes go = Changes.parse("{\"events\":[{\"type\":\"added\",\"lease\":{\"Subnet\":\"10.1.4.0/24\",\"Attrs\":{\"PublicIP\":"
                + "\"192.168.32.212\",\"BackendType\":\"host-gw\"},\"Expiration\":\"2026-11-23T10:23:44.472720738Z\"}},{\"type\":\"removed\",\"lease\":{"
                + "\"Subnet\":\"10.1.5.0/24\",\"Attrs\":{\"PublicIP\":\"0.0.0.0\"},\"Expiration\":\"0001-01-01T00:00:00Z\"}}],"
                + "\"snapshot\":null,\"cursor\":\"124\"}", Duration.ZERO);
        assertNull(go.snapshot());
        assertEquals(List.of(new StoreEvent.Put(LEASE), new StoreEvent.Gone(new LeaseKey("10.1.5.0-24"))), go.events());
        assertEquals("{\"events\":[{\"type\":\"removed\",\"lease\":{\"Subnet\":\"10.1.4.0/24\",\"Attrs\":{\"PublicIP\":\"0.0.0.0\"},"
                + "\"Expiration\":\"0001-01-01T00:00:00Z\"}}],\"snapshot\":null,\"cursor\":\"r1-8\",\"store\":\"cdf8\",\"revision\":131}",
                Changes.events(List.of(Changes.removed(LEASE)), "r1-8", new Moment("cdf8", 131)));
    }

    @Test
    void endsOfLeasesAreByTheReadersOwnClock() throws Exception {
        JsonValue told = Messages.lease(LEASE);
        assertEquals(new Lease.At(END.plusSeconds(90)), Messages.lease(told, 0, Duration.ofSeconds(90)).expiry());
        for (Lease.Expiry expiry : List.of(new Lease.Never(), new Lease.Unknown())) {
            assertEquals(expiry, Messages.lease(Messages.lease(LEASE, expiry), 0, Duration.ofSeconds(90)).expiry());
        }
        assertEquals("\"0001-01-01T00:00:00Z\"", Messages.lease(LEASE, new Lease.Never()).get("Expiration").toString());
    }

    @Test
    void aWishIsReadAsItWasWrittenAndAsAGoDaemonWritesIt() throws Exception {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\"}");
        Wish wish = new Wish(config, new LeaseAttributes(Ipv4.parse("192.168.32.211"), "vxlan", "{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}", "5d1e"),
                Ipv4Subnet.parse("10.1.5.0/24"), Set.of(new Holder(Ipv4.parse("192.168.32.9"), "x")), Set.of(Ipv4Subnet.parse("10.1.6.0/24")));
        assertEquals("{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"},\"Node\":\"5d1e\","
                + "\"Previous\":\"10.1.5.0/24\",\"Avoid\":[\"10.1.6.0/24\"],\"Strangers\":[{\"PublicIP\":\"192.168.32.9\",\"Node\":\"x\"}]}",
                LeaseRequest.toJson(wish));
        assertEquals(wish, LeaseRequest.parse(LeaseRequest.toJson(wish), config));
        assertEquals(new Wish(config, THEIRS, null, Set.of(), Set.of()),
                LeaseRequest.parse("{\"PublicIP\":\"192.168.32.212\",\"BackendType\":\"host-gw\"}", config));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "<html>", "{\"events\":null,\"snapshot\":[]}", "{\"snapshot\":[],\"cursor\":\"a b\"}",
        "{\"snapshot\":[],\"cursor\":\"abc\"}", "{\"snapshot\":[{}],\"cursor\":\"1\"}", "{\"snapshot\":[{\"Subnet\":\"10.1.4.0\"}],\"cursor\":\"1\"}",
        "{\"events\":[{\"type\":\"added\"}],\"cursor\":\"1\"}", "{\"events\":[{\"type\":\"moved\",\"lease\":{}}],\"cursor\":\"1\"}"})
    void whatIsNoAnswerIsRefused(String text) {
        assertThrows(JsonException.class, () -> Changes.parse(text, Duration.ZERO));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"Subnet\":\"10.1.9.0\",\"PublicIP\":\"1.2.3.4\"}", "{\"Subnet\":\"10.1.9.0/24\"}", "7"})
    void whatIsNoReservationIsRefused(String text) {
        assertThrows(JsonException.class, () -> Messages.Reservation.parse(text));
    }
}
