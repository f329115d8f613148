package flannel.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"Network\":\"10.1.0.0/16\",\"Backned\":{\"Type\":\"vxlan\"}}"
                + " | \"Backned\" is no member of a network config, and is passed over: did you mean \"Backend\"?",
        "{\"Network\":\"10.1.0.0/16\",\"SubnetLength\":25}"
                + " | \"SubnetLength\" is no member of a network config, and is passed over: did you mean \"SubnetLen\"?",
        "{\"Network\":\"10.1.0.0/16\",\"type\":\"vxlan\"} | \"type\" is no member of a network config, and is passed over: it belongs into Backend",
        "{\"Network\":\"10.1.0.0/16\",\"x\":1} | \"x\" is no member of a network config, and is passed over",
        "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Tpye\":\"vxlan\",\"Type\":\"vxlan\"}}"
                + " | \"Tpye\" is no member of a Backend of type vxlan, and is passed over: did you mean \"Type\"?",
        "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\",\"VNI\":1}}"
                + " | \"VNI\" is no member of a Backend of type host-gw, and is passed over",
    })
    void warnsOfAMemberWithoutMeaning(String json, String warning) {
        assertEquals(List.of(warning), NetworkConfig.parse(json).warnings());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{\"network\":\"10.1.0.0/16\",\"SUBNETLEN\":25,\"SubnetMin\":\"10.1.1.0\",\"SubnetMax\":\"10.1.9.0\",\"backend\":{\"type\":\"VXLAN\",\"vni\":7,"
                + "\"Port\":4789,\"GBP\":true,\"Directrouting\":true,\"Learning\":false,\"MTU\":1500,\"MacPrefix\":\"0E-2A\"}}",
        "{\"Network\":\"10.1.0.0/16\",\"EnableIPv4\":true,\"EnableIPv6\":false,\"EnableNFTables\":true,\"IPv6Network\":\"fd00::/64\","
                + "\"IPv6SubnetLen\":80,\"Backend\":{\"Type\":\"udp\",\"Port\":8285,\"SourceCheck\":false,\"Offload\":\"tso\"}}",
        "{\"Network\":\"10.1.0.0/16\"}",
    })
    void knowsTheMembersOfAllFlannels(String json) {
        assertEquals(List.of(), NetworkConfig.parse(json).warnings());
    }

    @Test
    void aForeignConfigIsNotWarnedOfWithoutEnd() {
        String members = IntStream.range(0, 1000).mapToObj(i -> "\"x" + i + "\":0,").collect(Collectors.joining());
        assertEquals(5, NetworkConfig.parse("{" + members + "\"" + "y".repeat(100_000) + "\":0,\"Network\":\"10.1.0.0/16\"}").warnings().size());
    }

    @Test
    void tellsTheLineAndTheColumnOfAMistake() {
        String json = "{\n  \"Network\": \"10.1.0.0/16\",\n  \"é\": 1 \"Backend\": {}\n}";
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> NetworkConfig.parse(json));
        assertTrue(e.getMessage().endsWith("should be, in line 3, column 10"), e.getMessage());
        IllegalArgumentException end = assertThrows(IllegalArgumentException.class, () -> NetworkConfig.parse("{\"Network\": 5"));
        assertTrue(end.getMessage().endsWith("should be, in line 1, column 14"), end.getMessage());
    }

    @Test
    void theManualPageTellsEveryMember() throws IOException {
        String manual = Files.readString(Path.of("etc/flanneld.8")).replace("\\-", "-");
        Stream<String> members = Stream.concat(ConfigMembers.TOP.stream(), ConfigMembers.BACKEND.values().stream().flatMap(List::stream));
        assertEquals(List.of(), members.filter(name -> !Pattern.compile("^\\.BR? .*\\b" + name + "\\b", Pattern.MULTILINE).matcher(manual).find()).toList());
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
        "{\"Network\":\"0.0.0.0/1\"} | Network 0.0.0.0/1 holds 0.0.0.0/8, \"this network\"",
        "{\"Network\":\"0.5.0.0/16\"} | Network 0.5.0.0/16 is in 0.0.0.0/8, \"this network\"",
        "{\"Network\":\"127.16.0.0/16\"} | Network 127.16.0.0/16 is in 127.0.0.0/8, loopback, which never leaves a host; choose a private range",
        "{\"Network\":\"64.0.0.0/2\"} | holds 127.0.0.0/8, loopback",
        "{\"Network\":\"169.254.0.0/16\"} | is in 169.254.0.0/16, link-local",
        "{\"Network\":\"169.0.0.0/8\"} | holds 169.254.0.0/16, link-local",
        "{\"Network\":\"239.1.0.0/16\"} | is in 224.0.0.0/4, multicast",
        "{\"Network\":\"240.0.0.0/8\"} | is in 240.0.0.0/4, reserved",
        "{\"Network\":\"255.255.255.0/24\"} | is in 240.0.0.0/4, reserved, and broadcast",
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
