package flannel.kernel;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;

/**
 * The interface that leads to the other hosts.
 *
 * @param address the address of it that is used
 * @param onLink  the range that this address makes reachable without a gateway
 * @param mtu     in bytes
 * @param mac     all zeros when the interface has none
 */
public record Underlay(String name, int index, Ipv4 address, Ipv4Subnet onLink, int mtu, MacAddress mac) {
}
