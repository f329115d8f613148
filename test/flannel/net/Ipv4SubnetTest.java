package flannel.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Ipv4SubnetTest {

    @Test
    void masksHostBits() {
        assertEquals("10.1.0.0/16", Ipv4Subnet.parse("10.1.5.9/16").toString());
        assertEquals("0.0.0.0/0", Ipv4Subnet.parse("1.2.3.4/0").toString());
    }

    @Test
    void readsAndWritesLeaseKeys() {
        assertEquals("10.1.83.0-24", Ipv4Subnet.parseKey("10.1.83.0-24").toKey());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "10.1.0.0", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0/16", "10.1.0.256/16", "10.1..0/16", "a/16",
        "10.1.0.0/1a", "fd00::/64", "10.1.0.0.0/16", "/16", "10.1.0.0/016"})
    void refusesWhatIsNoSubnet(String text) {
        assertThrows(IllegalArgumentException.class, () -> Ipv4Subnet.parse(text));
    }

    @Test
    void comparesUnsigned() {
        assertTrue(Ipv4.parse("10.0.0.0").compareTo(Ipv4.parse("192.168.0.0")) < 0);
    }

    @Test
    void knowsWhatItContains() {
        Ipv4Subnet network = Ipv4Subnet.parse("10.1.0.0/16");
        assertTrue(network.contains(Ipv4.parse("10.1.255.255")));
        assertFalse(network.contains(Ipv4.parse("10.2.0.0")));
        assertTrue(network.contains(Ipv4Subnet.parse("10.1.3.0/24")));
        assertFalse(Ipv4Subnet.parse("10.1.3.0/24").contains(network));
        assertTrue(Ipv4Subnet.parse("10.1.3.0/24").overlaps(network));
        assertEquals("10.1.255.255", network.last().toString());
        assertEquals(65536, network.size());
    }

    @Test
    void macAddresses() {
        MacAddress mac = MacAddress.parse("6a:c2:56:CE:ab:ac");
        assertEquals("6a:c2:56:ce:ab:ac", mac.toString());
        assertEquals((byte) 0x6a, mac.octet(0));
        assertEquals("02:00:00:00:00:01", new MacAddress(0x0100_0000_0001L).asLocalUnicast().toString());
        assertThrows(IllegalArgumentException.class, () -> MacAddress.parse("zz:c2:56:ce:ab:ac"));
        assertThrows(IllegalArgumentException.class, () -> MacAddress.parse("6a:c2:56:ce:ab"));
    }
}
