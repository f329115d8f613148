package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When the packet filter runs which programs, what it says, and what its rules do to packets of several networks. */
class PacketFilterTest {

    private static final PacketFilter.Rules A = rules("10.1.0.0/16", "10.1.83.0/24", true, true);
    private static final PacketFilter.Rules B = rules("10.2.0.0/16", "10.2.7.0/24", true, true);

    @TempDir
    Path directory;

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final Queue<Runnable> thread = new ArrayDeque<>();
    private StandInPrograms standIns;
    private Optional<IptablesPrograms> installed;
    private PacketFilter filter;

    @BeforeEach
    void installed() throws IOException {
        standIns = new StandInPrograms(directory);
        installed = Optional.of(new IptablesPrograms(directory));
        filter = filter(true);
    }

    private PacketFilter filter(boolean kernelTells) {
        return new PacketFilter(kernelTells, new Log(new PrintStream(logged, true), 0), () -> installed, thread::add);
    }

    private static PacketFilter.Rules rules(String network, String own, boolean masquerade, boolean forward) {
        return new PacketFilter.Rules(Ipv4Subnet.parse(network), Ipv4Subnet.parse(own), masquerade, forward, true);
    }

    private void runAll() {
        for (Runnable next = thread.poll(); next != null; next = thread.poll()) {
            next.run();
        }
    }

    private void applied(PacketFilter.Rules rules) throws IOException {
        filter.apply("", rules);
        runAll();
        standIns.calls();
    }

    private long said(String text) {
        return logged.toString().lines().filter(line -> line.contains(text)).count();
    }

    @Test
    void manyWishesForACheckAreOneAndOneMoreWhileItRuns() throws Exception {
        applied(A);
        for (int i = 0; i < 5; i++) {
            filter.verify();
        }
        assertEquals(1, thread.size());
        Runnable check = thread.poll();
        check.run();
        filter.verify();
        assertEquals(1, thread.size(), "after the look it may have changed again");
    }

    @Test
    void aCheckReadsOnlyTheTablesOfWantedChains() throws Exception {
        applied(rules("10.1.0.0/16", "10.1.83.0/24", false, true));
        filter.verify();
        runAll();
        assertEquals("iptables-save -t filter", standIns.calls().getFirst());
        applied(A);
        filter.verify();
        runAll();
        assertEquals(List.of("iptables-save -t nat", "iptables-save -t filter"), standIns.calls().subList(0, 2));
        applied(rules("10.1.0.0/16", "10.1.83.0/24", false, false));
        filter.verify();
        runAll();
        assertEquals(List.of(), standIns.calls());
    }

    @Test
    void nothingIsToldWithoutTheKernelsNotifications() throws Exception {
        applied(A);
        assertTrue(filter.isTold());
        filter = filter(false);
        applied(A);
        assertFalse(filter.isTold());
    }

    @Test
    void itsRepairsAndTroublesAreTold() throws Exception {
        applied(A);
        assertEquals(new PacketFilter.Report("", 0, null, ""), filter.report(), "what was put in at first is no repair");
        filter.verify();
        runAll();
        assertEquals(1, filter.report().repairs());
        assertEquals("FLANNEL-POSTRTG and FLANNEL-FWD", filter.report().chains());
        standIns.restore("echo 'the table is locked'; exit 4");
        filter.verify();
        runAll();
        assertTrue(filter.report().trouble().contains("the table is locked"), filter.report().toString());
        assertEquals(1, filter.report().repairs());
        standIns.restore("true");
        filter.verify();
        runAll();
        assertEquals("", filter.report().trouble());
        assertEquals(2, filter.report().repairs());
    }

    @Test
    void aTroubleIsSaidOnceWhileItLastsAndAgainWhenItIsBack() throws Exception {
        for (int time = 1; time <= 2; time++) {
            standIns.restore("echo 'the table is locked'; exit 4");
            applied(A);
            filter.verify();
            runAll();
            assertEquals(time, said("10.1.0.0/16 can't be put in order"), logged.toString());
            standIns.restore("cat > /dev/null");
            filter.verify();
            runAll();
        }
    }

    @Test
    void aMissingProgramIsSaidOnceAndUsedWhenItIsThere() throws Exception {
        Optional<IptablesPrograms> later = installed;
        installed = Optional.empty();
        applied(A);
        filter.verify();
        runAll();
        assertEquals(1, said("No iptables program"));
        assertFalse(filter.isTold());
        installed = later;
        filter.verify();
        runAll();
        assertTrue(filter.isTold());
        assertTrue(standIns.calls().contains("iptables-restore --noflush --wait=5"));
    }

    @Test
    void whatCanNotPickPortsAtRandomMasqueradesWithoutThat() throws Exception {
        standIns.restore("grep -q random-fully && exit 1; exit 0");
        applied(A);
        filter.verify();
        runAll();
        assertEquals(0, said("can't be put in order"), logged.toString());
        assertEquals(1, standIns.calls().stream().filter(call -> call.startsWith("iptables-restore")).count(), "it is remembered");
    }

    @Test
    void aRefusalOfAnotherKindCostsNoRandomPorts() throws Exception {
        standIns.restore("exit 4");
        applied(A);
        standIns.restore("cat > " + directory.resolve("taken"));
        filter.verify();
        runAll();
        assertTrue(Files.readString(directory.resolve("taken")).contains("--random-fully"));
    }

    /** Which of two networks stands first must not matter, and neither may change what becomes of the other's packets to the outside. */
    @Test
    void theOrderOfNetworksMakesNoDifferenceToAnyPacket() {
        List<Ipv4> places = List.of("192.168.32.9", "8.8.8.8", "224.0.0.5", "10.1.83.2", "10.1.5.2", "10.2.7.2", "10.2.9.2").stream()
                .map(Ipv4::parse).toList();
        List<String> both = FilterChain.masquerade(List.of(A, B), true).rules();
        for (Ipv4 source : places) {
            for (Ipv4 destination : places) {
                String packet = source + " -> " + destination;
                String verdict = verdict(both, source, destination);
                assertEquals(verdict, verdict(FilterChain.masquerade(List.of(B, A), true).rules(), source, destination), packet);
                for (PacketFilter.Rules network : List.of(A, B)) {
                    PacketFilter.Rules other = network == A ? B : A;
                    if (!other.network().contains(source) && !other.network().contains(destination)) {
                        assertEquals(verdict(FilterChain.masquerade(List.of(network), true).rules(), source, destination), verdict, packet);
                    }
                }
            }
        }
        assertEquals("RETURN", verdict(both, Ipv4.parse("10.2.9.2"), Ipv4.parse("10.2.7.2")));
        assertEquals("MASQUERADE", verdict(both, Ipv4.parse("10.2.7.2"), Ipv4.parse("8.8.8.8")));
        assertEquals("RETURN", verdict(both, Ipv4.parse("8.8.8.8"), Ipv4.parse("10.2.7.2")));
        assertEquals("MASQUERADE", verdict(both, Ipv4.parse("192.168.32.9"), Ipv4.parse("10.2.9.2")));
    }

    /** What a chain does to an unmarked packet. */
    private static String verdict(List<String> rules, Ipv4 source, Ipv4 destination) {
        for (String rule : rules) {
            String[] words = rule.split(" ");
            boolean matches = !rule.contains("--mark");
            String target = "";
            for (int i = 0; i < words.length; i++) {
                boolean inverted = i > 0 && words[i - 1].equals("!");
                switch (words[i]) {
                    case "-s" -> matches &= Ipv4Subnet.parse(words[i + 1]).contains(source) != inverted;
                    case "-d" -> matches &= Ipv4Subnet.parse(words[i + 1]).contains(destination) != inverted;
                    case "-j" -> target = words[i + 1];
                    default -> { }
                }
            }
            if (matches) {
                return target;
            }
        }
        return "RETURN";
    }
}
