package flannel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OwnNamesTest {

    private static final String RESOLVER = "nameserver 10.0.0.53\n  search example.com Lab.Example.com\n";

    @ParameterizedTest
    @CsvSource({
        "'', true", "127.0.0.1, true", "10.1.2.3:8471, true", "[::1]:80, true", "[2001:db8::1], true", "localhost, true", "LOCALHOST:8471, true",
        "node1, true", "node1:9, true", "Node1.example.com:8471, true", "node1.lab.example.com, true",
        "node1.evil.com, false", "evil.com, false", "example.com, false", "node1example.com, false", "127.0.0.1.evil.com, false", "localhost.evil.com, false",
        "node2.example.com, false", "evil.com:127.0.0.1, false", "[evil.com], false", ".example.com, false",
    })
    void addressesAndTheHostsOwnNamesOnly(String host, boolean own) {
        assertEquals(own, OwnNames.include(host, "node1\n", RESOLVER));
        assertEquals(own, OwnNames.include(host, "node1.lab.example.com\n", RESOLVER));
    }

    @ParameterizedTest
    @CsvSource({"evil.com, false", ".example.com, false", "127.0.0.1, true"})
    void aHostWithoutANameHasAddresses(String host, boolean own) {
        assertEquals(own, OwnNames.include(host, "", RESOLVER));
    }
}
