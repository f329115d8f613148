package flannel.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4Subnet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkConfigTest {

    @Test
    void fillsInTheOriginalsDefaults() {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.5.9/16\"}");
        assertEquals("10.1.0.0/16", config.network().toString());
        assertEquals(24, config.subnetLength());
        assertEquals("10.1.1.0", config.subnetMin().toString());
        assertEquals("10.1.255.0", config.subnetMax().toString());
        assertEquals("udp", config.backendType());
    }

    @ParameterizedTest
    @CsvSource({"/24,25", "/25,26", "/28,29", "/29,30", "/8,24", "/23,24"})
    void choosesALengthLongerThanTheNetworks(String prefix, int length) {
        assertEquals(length, NetworkConfig.parse("{\"Network\":\"10.1.0.0" + prefix + "\"}").subnetLength());
    }

    @Test
    void readsNamesInAnyCaseAndPassesUnknownOnesOver() {
        NetworkConfig config = NetworkConfig.parse("{\"NetWork\":\"10.1.0.0/16\",\"subnetlen\":25,\"x\":[1],\"BACKEND\":{\"type\":\"vxlan\",\"vni\":7}}");
        assertEquals(25, config.subnetLength());
        assertEquals("vxlan", config.backendType());
        assertEquals(7, config.backendInteger("VNI", 1, 0, 100));
        assertFalse(config.backendFlag("GBP", false));
    }

    @Test
    void knowsWhatItCouldHaveHandedOut() {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.10.0\",\"SubnetMax\":\"10.1.20.0\"}");
        assertTrue(config.allows(Ipv4Subnet.parse("10.1.10.0/24")));
        assertTrue(config.allows(Ipv4Subnet.parse("10.1.20.0/24")));
        assertFalse(config.allows(Ipv4Subnet.parse("10.1.9.0/24")));
        assertFalse(config.allows(Ipv4Subnet.parse("10.1.21.0/24")));
        assertFalse(config.allows(Ipv4Subnet.parse("10.1.10.0/25")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "garbage | it is not JSON",
        "[] | it is not a JSON object",
        "{} | it has no Network",
        "{\"Network\":5} | Network must be a string, not 5",
        "{\"Network\":\"10.1.0.0\"} | \"10.1.0.0\" is not an IPv4 subnet",
        "{\"Network\":\"fd00::/64\"} | is IPv6",
        "{\"Network\":\"0.0.0.0/0\"} | the whole Internet",
        "{\"Network\":\"10.1.0.0/30\"} | too small",
        "{\"Network\":\"10.1.0.0/31\"} | too small",
        "{\"Network\":\"10.1.0.0/32\"} | too small",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":31} | SubnetLen 31 must be less than /31",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":33} | SubnetLen 33 must be less than /31",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":16} | SubnetLen 16 must be longer",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":-1} | SubnetLen -1 must be longer",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":\"24\"} | SubnetLen must be a whole number, not \"24\"",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":24.5} | SubnetLen must be a whole number",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"abc\"} | SubnetMin: \"abc\" is not an IPv4 address",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.2.0.0\"} | SubnetMin 10.2.0.0 is not in the range of the Network",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetMax\":\"10.2.0.0\"} | SubnetMax 10.2.0.0 is not in the range of the Network",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.3.7\"} | SubnetMin 10.1.3.7 is not on a boundary",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.9.0\",\"SubnetMax\":\"10.1.3.0\"} | SubnetMin 10.1.9.0 is above SubnetMax 10.1.3.0",
        "{\"Network\":\"10.1.0.0/16\",\"Backend\":\"vxlan\"} | Backend must be an object",
    })
    void refusesWithOneSentence(String json, String sentence) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> NetworkConfig.parse(json));
        assertTrue(e.getMessage().contains(sentence), e.getMessage());
    }
}
