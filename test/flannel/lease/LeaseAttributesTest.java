package flannel.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.net.Ipv4;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LeaseAttributesTest {

    private static final Ipv4 HOST = Ipv4.parse("192.168.32.211");

    /** The values of flannel 0.7.1 and of 0.20, byte for byte. */
    @Test
    void readsWhatGoFlannelsWrite() throws JsonException {
        assertEquals(new LeaseAttributes(HOST, "vxlan", JsonValue.object("VtepMAC", "6a:c2:56:ce:ab:ac").toString(), ""), LeaseAttributes.parse(
                "{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}}"));
        assertEquals(new LeaseAttributes(HOST, "", null, ""),
                LeaseAttributes.parse("{\"PublicIP\":\"192.168.32.211\",\"PublicIPv6\":null}"));
        assertEquals("02:6b:0a:2f:0d:45", LeaseAttributes.parse("{\"PublicIP\":\"192.168.32.212\",\"PublicIPv6\":null,"
                + "\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"02:6b:0a:2f:0d:45\"}}").backendText("VtepMAC"));
    }

    @Test
    void writesTheOriginalsBytesAndItsMark() {
        assertEquals("{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"},\"Node\":\"5d1e\"}",
                new LeaseAttributes(HOST, "vxlan", JsonValue.object("VtepMAC", "6a:c2:56:ce:ab:ac").toString(), "5d1e").toJson());
        assertEquals("{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"host-gw\"}", new LeaseAttributes(HOST, "host-gw", null, "").toJson());
        assertEquals("{\"PublicIP\":\"192.168.32.211\"}", new LeaseAttributes(HOST, "", null, "").toJson());
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage", "[]", "{}", "{\"PublicIP\":5}", "{\"PublicIP\":\"1.2.3\"}"})
    void refusesWhatIsNoLease(String value) {
        assertThrows(JsonException.class, () -> LeaseAttributes.parse(value));
    }
}
