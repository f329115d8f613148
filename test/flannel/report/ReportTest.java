package flannel.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.files.FileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private Path folder;

    private Path archive() {
        return folder.resolve("report.tar.gz");
    }

    private String unpacked() throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(archive()))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void run(Path folder, String... command) throws Exception {
        Process process = new ProcessBuilder(command).directory(folder.toFile()).inheritIO().start();
        assertEquals(0, process.waitFor());
    }

    @Test
    void everyTarReadsWhatItIs() throws Exception {
        String text = "ü".repeat(300);
        Report report = Report.write(archive(), List.of(Source.of("kernel/links", () -> text), Source.of("empty", () -> "")), PATIENCE);
        assertEquals(List.of(), report.lacking());
        assertEquals(Files.size(archive()), report.bytes());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(archive())));
        run(folder, "tar", "-xpzf", archive().toString());
        Path unpacked = folder.resolve("flanneld-report");
        assertEquals(text, Files.readString(unpacked.resolve("kernel/links")));
        assertEquals("", Files.readString(unpacked.resolve("empty")));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(unpacked.resolve("README"))));
    }

    @Test
    void whatFailsOrTakesTooLongLeavesASentenceAndTheRestGoesOn() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Report report = Report.write(archive(), List.of(Source.of("slow", () -> {
            never.await();
            return "";
        }), Source.of("wrong", () -> {
            throw new IOException("no\nnft");
        }), Source.of("good", () -> "all of it")), Duration.ofSeconds(1));
        assertEquals(List.of("slow: it took longer than 1 s", "wrong: no nft"), report.lacking());
        String all = unpacked();
        assertTrue(all.contains("Not to be had: it took longer than 1 s\n") && all.contains("Not to be had: no nft\n") && all.contains("all of it"), all);
    }

    @Test
    void whatIsThereIsNeverWrittenOver() throws Exception {
        Files.writeString(archive(), "mine");
        assertTrue(assertThrows(FileException.class, () -> Report.write(archive(), List.of(), PATIENCE)).getMessage().endsWith("report.tar.gz is there already"));
        assertEquals("mine", Files.readString(archive()));
        Files.delete(archive());
        Files.createSymbolicLink(archive(), folder.resolve("elsewhere"));
        assertThrows(FileException.class, () -> Report.write(archive(), List.of(), PATIENCE));
        assertFalse(Files.exists(folder.resolve("elsewhere")));
    }

    @Test
    void aReportThatIsInterruptedLeavesNothing() {
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> Report.write(archive(), List.of(Source.of("a", () -> "")), PATIENCE));
        assertFalse(Files.exists(archive()));
    }

    @Test
    void textsHaveABoundAndSecretsOfSettingsAreOnesEverywhere() throws Exception {
        Report report = Report.write(archive(), List.of(Source.of("long", () -> "x".repeat(5 << 20)), Source.of("log", () -> "rosebud was said"),
                Source.ofSettings("settings", () -> "A_PASSWORD=rosebud\n")), PATIENCE);
        assertTrue(unpacked().length() < (4 << 20) + 10_000);
        assertFalse(unpacked().contains("rosebud"));
        assertEquals(2, report.taken());
    }

    @Test
    void ofVariablesOnlyThoseForFlanneldAreTold() {
        assertEquals("    \"FLANNELD_IFACE=a \\\"b\\\"\"\n    HOME (its value is not told)\n    \"X_TOKEN=hush\"\n",
                HostSources.variables(List.of("X_TOKEN=hush", "HOME=/root", "nonsense", "FLANNELD_IFACE=a \"b\"")));
    }
}
