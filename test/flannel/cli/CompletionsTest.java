package flannel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the shells complete behind {@code flanneld}. */
@Timeout(60)
class CompletionsTest {

    private static final Path BASH = Path.of("etc/flanneld.bash");
    private static final Path ZSH = Path.of("etc/_flanneld");

    @TempDir
    private Path folder;

    private String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    /** When they differ, the new ones are in build/completions. */
    @Test
    void theFilesAreMadeOfTheTables() throws IOException {
        Path made = Files.createDirectories(Path.of("build/completions"));
        Files.writeString(made.resolve(BASH.getFileName()), Completions.bash());
        Files.writeString(made.resolve(ZSH.getFileName()), Completions.zsh());
        for (Path file : List.of(BASH, ZSH)) {
            assertEquals(-1, Files.mismatch(made.resolve(file.getFileName()), file), "the options or commands have changed: cp build/completions/* etc/");
        }
        assertTrue(Options.TABLE.stream().map(Option::name).toList().containsAll(Completions.CHOICES.keySet()));
        assertTrue(Options.TABLE.stream().map(Option::name).toList().containsAll(Completions.INTERFACES));
    }

    /** What bash completes the last word with. */
    private List<String> bash(String... words) throws Exception {
        StringBuilder array = new StringBuilder();
        for (String word : words) {
            array.append(" '").append(word).append('\'');
        }
        return run("bash", "--norc", "-c", "cd " + folder + "; source " + BASH.toAbsolutePath() + "; COMP_WORDS=(flanneld" + array + "); COMP_CWORD=" + words.length
                + "; _flanneld; printf '%s\\n' \"${COMPREPLY[@]}\"").lines().filter(line -> !line.isEmpty()).sorted().toList();
    }

    private static List<String> sorted(List<String> words) {
        return words.stream().sorted().toList();
    }

    @Test
    void bashCompletesCommandsOptionsAndValues() throws Exception {
        List<String> commands = sorted(Commands.TABLE.stream().map(Commands.Entry::name).toList());
        assertEquals(commands, bash(""));
        assertEquals(commands, bash("help", ""));
        assertEquals(List.of("status", "store"), bash("st"));
        for (Commands.Entry command : Commands.TABLE) {
            assertEquals(command.name().equals(Commands.HELP) ? commands : sorted(command.verbs()), bash(command.name(), ""), command.name());
            assertEquals(sorted(Options.TABLE.stream().filter(option -> Commands.has(command.name(), option)).map(option -> "-" + option.name()).toList()),
                    sorted(bash(command.name(), "-").stream().map(option -> option.replace("=", "")).toList()));
        }
        assertEquals(List.of("-etcd-prefix="), bash("-ip-masq", "-etcd-pr"));
        assertEquals(List.of("--ip-masq", "--ip-masq-fully-random-disable"), bash("--ip-m"));
        assertEquals(List.of("-iptables-forward-rules="), bash("check", "-iptables-f"));
        assertEquals(List.of(), bash("status", "-etcd"));
        assertEquals(List.of("-json"), bash("lease", "list", "-j"));
        // -etcd-api=v as bash cuts it, and as it does not where the equals sign is none of COMP_WORDBREAKS
        assertEquals(List.of("v2", "v3"), bash("-etcd-api", "=", "v"));
        assertEquals(List.of("auto", "v2", "v3"), bash("lease", "list", "--etcd-api", "="));
        assertEquals(List.of("-etcd-api=v2", "-etcd-api=v3"), bash("-etcd-api=v"));
        assertEquals(List.of("v2", "v3"), bash("lease", "copy", "-from", ""));
        assertEquals(List.of("off", "on"), bash("-vxlan-checksum-offload", "o"));
        assertEquals(List.of("false"), bash("-logtostderr", "=", "f"));
        assertEquals(List.of(), bash("-ip-masq", "f"));
        assertEquals(List.of("lo"), bash("-iface", "=", "lo").stream().filter("lo"::equals).toList());
        assertEquals(List.of(), bash("-public-ip", "="));
    }

    @Test
    void bashCompletesFilesAndDirectories() throws Exception {
        Files.createDirectory(folder.resolve("net works"));
        Files.writeString(folder.resolve("net.json"), "");
        assertEquals(List.of("net works", "net.json"), bash("store", "import", "ne"));
        assertEquals(List.of("net works", "net.json"), bash("-etcd-cafile", "=", "ne"));
        assertEquals(List.of("net works"), bash("-state-dir", "ne"));
        assertEquals(List.of("-subnet-dir=net works"), bash("-subnet-dir=ne"));
        assertEquals(List.of("net works", "net.json"), bash("report", "-o", "ne"));
    }

    /** What an interactive zsh makes of each line when the tabulator is pressed; and what it shows below. */
    private String zsh(String... lines) throws Exception {
        StringBuilder script = new StringBuilder("""
                zmodload zsh/zpty
                zpty shell 'TERM=dumb PS1= zsh -f -i'
                zpty -w shell 'stty -echo cols 200 rows 200; unsetopt zle_bracketed_paste 2> /dev/null; setopt no_beep; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D'
                zpty -w shell 'show() { print -r -- "<$BUFFER>"; zle kill-buffer }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word; print RE''ADY'
                zpty -r -m shell text '*READY*'
                """.formatted(ZSH.toAbsolutePath().getParent()));
        for (String line : lines) {
            script.append("zpty -w -n shell $'").append(line).append("\\t\\x18'\nzpty -r -m shell text '*<flanneld*>*'\nprint -r -- \"$text\"\n");
        }
        Files.writeString(folder.resolve("script"), script + "zpty -d shell\n");
        return run("zsh", "-f", folder.resolve("script").toString());
    }

    @Test
    void zshCompletesToo() throws Exception {
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(each -> Files.isExecutable(Path.of(each, "zsh"))), "there is no zsh here");
        String all = zsh("flanneld chec", "flanneld lease co", "flanneld status -prob", "flanneld --etcd-pref", "flanneld lease list -etcd-api=au",
                "flanneld -vxlan-checksum-offload of", "flanneld report -remote-");
        for (String completed : List.of("check ", "lease copy ", "status -problems ", "--etcd-prefix=", "lease list -etcd-api=auto ", "-vxlan-checksum-offload off ")) {
            assertTrue(all.contains("<flanneld " + completed + ">"), all);
        }
        assertTrue(all.contains("-remote-cafile") && all.contains("-remote-keyfile") && !all.contains("-etcd-cafile"), all);
    }
}
