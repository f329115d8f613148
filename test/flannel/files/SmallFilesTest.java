package flannel.files;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.files.SmallFiles.Readers;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SmallFilesTest {

    @TempDir
    private Path folder;

    private static String refused(Path file) {
        return assertThrows(FileException.class, () -> SmallFiles.read(file, 1000, NOFOLLOW_LINKS)).getMessage();
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private List<Path> entries() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(Path::getFileName).sorted().toList();
        }
    }

    @Test
    void whatIsNoPlainFileIsRefusedAtOnce() throws IOException, InterruptedException {
        Path fifo = folder.resolve("fifo");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start().waitFor());
        assertEquals(fifo + " is a pipe, socket or device, not a file", refused(fifo));
        assertEquals("/dev/zero is a pipe, socket or device, not a file", refused(Path.of("/dev/zero")));
        assertEquals(folder + " is a folder, not a file", refused(folder));
        assertEquals(folder.resolve("none") + " does not exist", refused(folder.resolve("none")));
        assertEquals(Optional.empty(), SmallFiles.find(folder.resolve("none"), 1000));
    }

    @Test
    void whatIsTooLongIsNotRead() throws IOException {
        Path large = folder.resolve("large");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(8L << 30); // sparse
        }
        assertEquals(large + " is longer than the 1000 bytes that make sense", refused(large));
        Path fits = Files.writeString(folder.resolve("fits"), "x".repeat(1000));
        assertEquals(1000, SmallFiles.read(fits, 1000).length());
        assertTrue(SmallFiles.read(Path.of("/proc/self/status"), 100_000).startsWith("Name:"), "its length is not known before");
    }

    @Test
    void linksAreFollowedForThoseWhoWantThat() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Files.writeString(folder.resolve("target"), "text"));
        assertEquals("text", SmallFiles.read(link, 1000));
        assertEquals(link + " is a symbolic link, which is not followed here", refused(link));
    }

    @Test
    void aPlantedLinkIsReplacedAndItsTargetLeftAlone() throws IOException {
        Path target = Files.writeString(folder.resolve("shadow"), "secret");
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-------"));
        Path file = Files.createSymbolicLink(folder.resolve("node-id"), target);
        Files.createSymbolicLink(folder.resolve(".node-id"), target);
        SmallFiles.replace(file, "id", Readers.ALL);
        assertEquals("id", SmallFiles.read(file, 1000, NOFOLLOW_LINKS));
        assertEquals("secret", Files.readString(target));
        assertEquals("rw-------", mode(target));
        assertThrows(IOException.class, () -> SmallFiles.create(folder.resolve(".node-id"), Readers.ALL));
    }

    @Test
    void leftoversOfKilledWritersGo() throws IOException {
        Path old = Files.writeString(folder.resolve(".node.123abc.tmp"), "half");
        Path editors = Files.writeString(folder.resolve(".node.swp"), "no file of ours");
        FileTime hourAgo = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
        Files.setLastModifiedTime(old, hourAgo);
        Files.setLastModifiedTime(editors, hourAgo);
        Files.writeString(folder.resolve(".node.456def.tmp"), "of another writer, now");
        SmallFiles.replace(folder.resolve("node"), "new", Readers.ALL);
        assertEquals(List.of(Path.of(".node.456def.tmp"), editors.getFileName(), Path.of("node")), entries());
    }

    @Test
    void whatCannotBeWrittenIsOneSentenceAndLeavesNothing() throws IOException {
        Path taken = Files.createDirectories(folder.resolve("taken/x")).getParent();
        String message = assertThrows(FileException.class, () -> SmallFiles.replace(taken, "x", Readers.ALL)).getMessage();
        assertTrue(message.startsWith("cannot write " + taken + ": ") && !message.contains("Exception"), message);
        assertEquals(List.of(Path.of("taken")), entries());
        Path below = Files.writeString(folder.resolve("file"), "").resolve("sub/env");
        assertEquals("cannot write " + below + ": " + below.getParent().getParent() + " is there already",
                assertThrows(FileException.class, () -> SmallFiles.replace(below, "x", Readers.ALL)).getMessage());
        assertThrows(FileException.class, () -> SmallFiles.replace(Path.of("/"), "x", Readers.ALL));
    }

    /** Another process, because Java can't change its own umask. */
    @Test
    void modesAreThoseWantedWhateverTheUmask() throws IOException, InterruptedException {
        for (String umask : List.of("000", "077")) {
            Path made = folder.resolve(umask);
            Process writer = new ProcessBuilder("sh", "-c", "umask " + umask + "; exec \"$@\"", "sh",
                    System.getProperty("java.home") + "/bin/java", "-cp", classes(SmallFiles.class) + ":" + classes(Writer.class), Writer.class.getName(), made.toString())
                    .inheritIO().start();
            assertEquals(0, writer.waitFor());
            assertEquals("rwxr-xr-x", mode(made));
            assertEquals("rwxr-xr-x", mode(made.resolve("sub")));
            assertEquals("rw-r--r--", mode(made.resolve("sub/all")));
            assertEquals("rw-------", mode(made.resolve("sub/owner")));
        }
    }

    private static String classes(Class<?> of) {
        return of.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    static final class Writer {

        public static void main(String[] args) throws IOException {
            SmallFiles.replace(Path.of(args[0], "sub/all"), "x", Readers.ALL);
            SmallFiles.replace(Path.of(args[0], "sub/owner"), "x", Readers.OWNER);
        }
    }

    @Test
    void aFolderOfOnesOwnBelongsToNobodyElse() throws IOException {
        Path own = folder.resolve("lib/flannel");
        SmallFiles.ownFolder(own);
        assertEquals("rwxr-xr-x", mode(own));
        SmallFiles.ownFolder(Files.createSymbolicLink(folder.resolve("link"), own));
        Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertEquals(own + " is a folder that everybody can write to: choose one of root's",
                assertThrows(FileException.class, () -> SmallFiles.ownFolder(own)).getMessage());
        assertThrows(FileException.class, () -> SmallFiles.ownFolder(Files.writeString(folder.resolve("file"), "")));
    }

    @Test
    void aFolderOfAStrangerIsRefusedAndSoIsHisLink() throws IOException {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "only root can give a file away");
        Path strangers = Files.createDirectory(folder.resolve("strangers"));
        Files.setAttribute(strangers, "unix:uid", 65534);
        assertTrue(assertThrows(FileException.class, () -> SmallFiles.ownFolder(strangers)).getMessage().contains(" belongs to user "));
        Path link = Files.createSymbolicLink(folder.resolve("link"), Files.createDirectory(folder.resolve("roots")));
        Files.setAttribute(link, "unix:uid", 65534, NOFOLLOW_LINKS);
        assertTrue(assertThrows(FileException.class, () -> SmallFiles.ownFolder(link)).getMessage().contains(" belongs to user "));
    }

    @Test
    void aNameThatTheLocaleDoesNotHaveIsToldAsASentence() {
        assertEquals(Path.of("/run/x"), SmallFiles.path("subnet-file", "/run/x"));
        String message = assertThrows(IllegalArgumentException.class, () -> SmallFiles.path("subnet-file", "/run/\ud800")).getMessage();
        assertTrue(message.startsWith("-subnet-file \"/run/") && message.contains("LC_ALL"), message);
    }
}
