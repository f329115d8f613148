package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.daemon.DockerBridge.Found;
import flannel.net.Ipv4Subnet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DockerBridgeTest {

    private static final SubnetFile SUBNET = new SubnetFile(Ipv4Subnet.parse("10.1.0.0/16"), Ipv4Subnet.parse("10.1.5.0/24"), 1450, false);

    @Test
    void saysNothingWhenTheBridgeFits() {
        assertEquals(Optional.empty(), DockerBridge.trouble(SUBNET, new Found(List.of("10.1.5.1/24"), 1450)));
        assertEquals(Optional.empty(), DockerBridge.trouble(SUBNET, new Found(List.of("10.1.5.1/24"), 1400)), "smaller packets pass too");
        assertEquals(Optional.empty(), DockerBridge.trouble(SUBNET, new Found(List.of("10.1.5.1/24"), 0)), "no container, so nobody sends");
        assertEquals(Optional.empty(), DockerBridge.trouble(SUBNET, new Found(List.of(), 0)), "Docker is just starting");
    }

    @Test
    void namesBothRemediesForAnotherAddress() {
        String said = DockerBridge.trouble(SUBNET, new Found(List.of("172.17.0.1/16"), 1500)).orElseThrow();
        assertTrue(said.startsWith("docker0 has 172.17.0.1/16, but this host's subnet wants 10.1.5.1/24: "), said);
        assertTrue(said.matches(".*systemctl restart docker.*\\$DOCKER_NETWORK_OPTIONS.*"), said);
    }

    @Test
    void warnsOfContainersWhosePacketsAreTooLarge() {
        String said = DockerBridge.trouble(SUBNET, new Found(List.of("10.1.5.1/24"), 1472)).orElseThrow();
        assertTrue(said.startsWith("a container at docker0 has an MTU of 1472, but the network takes packets of 1450 bytes at most: "), said);
        assertTrue(said.matches(".*systemctl restart docker.*\\$DOCKER_NETWORK_OPTIONS.*"), said);
    }
}
