package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class StateDirectoryTest {

    private static final String NODE_ID = "0123456789abcdef0123456789abcdef";
    private static final MacAddress ETH0 = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress ETH1 = MacAddress.parse("02:00:00:00:00:02");
    private static final MacAddress OTHER = MacAddress.parse("02:00:00:00:00:03");

    /** printf 'node 0123456789abcdef0123456789abcdef 02:00:00:00:00:01' | sha256sum | cut -c1-16 */
    private static final String MARK = "118cd90943d0f0b5";

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

    @TempDir
    private Path parent;

    private Path folder;

    @BeforeEach
    void isKnown() throws IOException {
        folder = Files.createDirectory(parent.resolve("flannel"));
        Files.writeString(folder.resolve("node-id"), NODE_ID + "\n");
    }

    /** The daemon's next start. */
    private StateDirectory started() {
        logged.reset();
        return new StateDirectory(folder, new Log(new PrintStream(logged, true), 0));
    }

    private List<String> logged() {
        return logged.toString(StandardCharsets.UTF_8).lines().toList();
    }

    private static SubnetFile subnet(String subnet) {
        return new SubnetFile(Ipv4Subnet.parse("10.1.0.0/16"), Ipv4Subnet.parse(subnet), 1450, false);
    }

    @Test
    void theFirstMarkIsThatOfDaemonsThatDidNotRememberIt() throws IOException {
        assertEquals(MARK, started().nodeMark(ETH0, List.of(ETH0, ETH1)));
        assertEquals("{\"mark\":\"" + MARK + "\",\"macs\":[\"" + ETH0 + "\"]}\n", Files.readString(folder.resolve("node")));
        assertEquals(List.of(), logged());
    }

    @Test
    void theMarkStaysWhenAnotherInterfaceIsChosen() {
        started().nodeMark(ETH0, List.of(ETH0, ETH1));
        assertEquals(MARK, started().nodeMark(ETH1, List.of(ETH0, ETH1)));
        assertEquals(MARK, started().nodeMark(ETH1, List.of(ETH1)), "eth0 was taken out later");
        assertEquals(MARK, started().nodeMark(ETH1, List.of(ETH1)));
        assertEquals(List.of(), logged());
    }

    @Test
    void aCopyOfAMachineGetsAMarkOfItsOwn() {
        started().nodeMark(ETH0, List.of(ETH0, ETH1));
        String mark = started().nodeMark(OTHER, List.of(OTHER));
        assertNotEquals(MARK, mark);
        assertEquals(1, logged().size());
        assertTrue(logged().getFirst().contains("taking it for a copy of another host"), logged()::toString);
        assertEquals(mark, started().nodeMark(OTHER, List.of(OTHER)));
        assertEquals(List.of(), logged());
    }

    @Test
    void aTunnelWithoutAnAddressOfItsOwnTellsNoMachineFromAnother() {
        MacAddress none = new MacAddress(0);
        String mark = started().nodeMark(none, List.of(none));
        assertEquals(mark, started().nodeMark(ETH0, List.of(none, ETH0)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"mark\":\"x\"}", "{\"mark\":\"118cd90943d0f0b5\",\"macs\":[1]}", "\0"})
    void aGarbledMarkIsWrittenAnew(String garbage) throws IOException {
        Files.writeString(folder.resolve("node"), garbage);
        assertEquals(MARK, started().nodeMark(ETH0, List.of(ETH0)));
        assertTrue(logged().getFirst().contains("does not hold a host's mark"), logged()::toString);
        started().nodeMark(ETH0, List.of(ETH0));
        assertEquals(List.of(), logged());
    }

    @Test
    void aDriverThatMakesUpAddressesDoesNotFillTheFile() throws IOException {
        for (int i = 1; i <= 100; i++) {
            assertEquals(started().nodeMark(ETH0, List.of(ETH0)), started().nodeMark(new MacAddress(i), List.of(ETH0)));
        }
        assertTrue(Files.size(folder.resolve("node")) < 500);
    }

    /** As a power failure leaves it. */
    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"})
    void anEmptyIdIsNoId(String garbage) throws IOException {
        Files.writeString(folder.resolve("node-id"), garbage);
        started();
        assertEquals(1, logged().size());
        assertTrue(logged().getFirst().contains("holds no host's id"), logged()::toString);
        assertTrue(Files.readString(folder.resolve("node-id")).matches("[0-9a-f]{32}\n"));
    }

    @Test
    void aPipeInPlaceOfTheIdStopsNobody() throws IOException, InterruptedException {
        Files.delete(folder.resolve("node-id"));
        assertEquals(0, new ProcessBuilder("mkfifo", folder.resolve("node-id").toString()).inheritIO().start().waitFor());
        started();
        assertTrue(Files.isRegularFile(folder.resolve("node-id")));
        assertEquals(1, logged().size());
    }

    @Test
    void aPlantedLinkLeadsNowhere() throws IOException {
        Path secret = Files.writeString(parent.resolve("shadow"), "secret");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
        Files.delete(folder.resolve("node-id"));
        Files.createSymbolicLink(folder.resolve(".node-id"), secret);
        Files.createSymbolicLink(folder.resolve("node"), secret);
        started().nodeMark(ETH0, List.of(ETH0));
        assertEquals("secret", Files.readString(secret));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(secret)));
        assertTrue(Files.isRegularFile(folder.resolve("node"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void aFolderThatEverybodyWritesToIsNotUsed() throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        String mark = started().nodeMark(ETH0, List.of(ETH0));
        assertNotEquals(MARK, mark, "the id in there may be a stranger's");
        assertEquals(mark, started().nodeMark(ETH0, List.of(ETH0)));
        assertEquals(1, logged().size());
        try (Stream<Path> entries = Files.list(folder)) {
            assertEquals(1, entries.count(), "nothing was written");
        }
    }

    @Test
    void withoutAFolderItWorksAndSaysSoOnce() throws IOException {
        folder = Files.writeString(parent.resolve("file"), "").resolve("flannel");
        StateDirectory state = started();
        NetworkMemory memory = state.forNetwork("");
        memory.remember(subnet("10.1.83.0/24"));
        memory.rememberTakenOver();
        assertEquals(Optional.empty(), memory.previousSubnet());
        assertEquals(16, state.nodeMark(ETH0, List.of(ETH0)).length());
        assertEquals(1, logged().size());
        assertTrue(logged().getFirst().contains("after a reboot it may get another subnet"), logged()::toString);
    }

    @Test
    void networksDoNotShareTheirMemory() throws IOException {
        NetworkMemory only = started().forNetwork("");
        only.remember(subnet("10.1.83.0/24"));
        only.rememberTakenOver();
        NetworkMemory odd = started().forNetwork("../a b/é");
        assertEquals(Optional.empty(), odd.previousSubnet());
        assertFalse(odd.takenOver());
        odd.remember(subnet("10.1.84.0/24"));
        StateDirectory next = started();
        assertEquals(Optional.of(Ipv4Subnet.parse("10.1.83.0/24")), next.forNetwork("").previousSubnet());
        assertTrue(next.forNetwork("").takenOver());
        assertEquals(Optional.of(Ipv4Subnet.parse("10.1.84.0/24")), next.forNetwork("../a b/é").previousSubnet());
        assertEquals(subnet("10.1.83.0/24").text(), Files.readString(folder.resolve("subnet.env")), "where it always was");
        try (Stream<Path> outside = Files.list(parent)) {
            assertEquals(List.of(folder), outside.toList());
        }
    }
}
