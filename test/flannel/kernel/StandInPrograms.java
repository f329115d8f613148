package flannel.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** iptables-save and iptables-restore as shell scripts, which write down how they were called. */
final class StandInPrograms {

    private final Path directory;

    /** Programs that find nothing and take everything, of the newer variant. */
    StandInPrograms(Path directory) throws IOException {
        this.directory = directory;
        save("");
        restore("cat > /dev/null");
    }

    Path directory() {
        return directory;
    }

    void save(String script) throws IOException {
        write("iptables-save", script);
    }

    void restore(String script) throws IOException {
        write("iptables-restore", "case $* in --version) echo 'iptables-restore v1.8.9 (nf_tables)'; exit;; esac\n" + script);
    }

    private void write(String name, String script) throws IOException {
        Path file = directory.resolve(name);
        Files.writeString(file, "#!/bin/sh\necho " + name + " $* >> " + directory.resolve("calls") + "\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** How they were called since this was last asked for. */
    List<String> calls() throws IOException {
        Path file = directory.resolve("calls");
        if (!Files.exists(file)) {
            return List.of();
        }
        List<String> calls = Files.readAllLines(file);
        Files.delete(file);
        return calls;
    }
}
