package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SubnetFilesTest {

    /** What is told of Docker, and what a look would find. */
    private static final class FakePlace implements SubnetFiles.Place {
        private SubnetFiles.Docker told = SubnetFiles.Docker.NONE;
        private SubnetFiles.Docker there = SubnetFiles.Docker.NONE;

        @Override
        public Optional<String> read() {
            return Optional.empty();
        }

        @Override
        public void write(SubnetFile subnet) {
        }

        @Override
        public void lookAtDocker(SubnetFile wanted) {
            told = there;
        }

        @Override
        public SubnetFiles.Docker docker() {
            return told;
        }
    }

    @Test
    void aTroubleThatSomebodyHasJustMendedIsToldNoMore() {
        FakePlace place = new FakePlace();
        VirtualTime clock = new VirtualTime();
        SubnetFiles files = new SubnetFiles(place, new Repairs(clock), clock, new Log(new PrintStream(OutputStream.nullOutputStream()), 0));
        place.there = new SubnetFiles.Docker(1500, "docker0 has another address");
        files.want(new SubnetFile(Ipv4Subnet.parse("10.1.0.0/16"), Ipv4Subnet.parse("10.1.5.0/24"), 1450, false));
        assertEquals("docker0 has another address", files.docker().trouble());
        place.there = new SubnetFiles.Docker(1450, "");
        assertEquals(new SubnetFiles.Docker(1450, ""), files.docker());
    }
}
