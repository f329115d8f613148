package flannel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The manual page knows every option, exit status and file; README.md is short, and names no option that is not there. */
class ManualTest {

    private static String manual() throws IOException {
        return Files.readString(Path.of("etc/flanneld.8")).replace("\\-", "-");
    }

    @Test
    void manualPageTellsEveryOptionAndItsDefault() throws IOException {
        String text = manual();
        assertEquals(List.of(), Options.TABLE.stream().map(Option::name)
                .filter(name -> !Pattern.compile("^\\.BR .*(?<![\\w-])-" + name + "(?![\\w-])", Pattern.MULTILINE).matcher(text).find()).toList());
        assertEquals(List.of(), Options.TABLE.stream().map(Option::defaultValue).filter(value -> !text.contains(value)).toList());
    }

    @Test
    void manualPageTellsEveryExitStatus() throws IOException {
        String statuses = manual().replaceFirst("(?s).*\\.SH EXIT STATUS", "").replaceFirst("(?s)\\.SH.*", "");
        assertEquals(List.of(Command.OK, Command.FAILED, Command.WRONG),
                Pattern.compile("^\\.B (\\d+)$", Pattern.MULTILINE).matcher(statuses).results().map(found -> Integer.valueOf(found.group(1))).toList());
    }

    @Test
    void manualPageTellsEveryFileOfThePackage() throws IOException {
        String files = manual().replaceFirst("(?s).*\\.SH FILES", "").replaceFirst("(?s)\\.SH.*", "");
        List<String> packaged = Files.readAllLines(Path.of("rpm/flannel.spec")).stream().dropWhile(line -> !line.equals("%files"))
                .filter(line -> line.contains("/") && !line.startsWith("%dir") && !line.startsWith("%doc") && !line.contains("/man/"))
                .map(line -> line.substring(line.indexOf('/'))).toList();
        assertTrue(packaged.contains("/etc/sysconfig/flanneld"), packaged.toString());
        assertEquals(List.of(), packaged.stream().filter(file -> !files.contains(file)).toList());
    }

    @Test
    void readmeIsShortAndNamesNoOptionThatIsNotThere() throws IOException {
        List<String> lines = Files.readAllLines(Path.of("README.md"));
        assertTrue(lines.size() < 200, lines.size() + " lines");
        List<String> named = Pattern.compile("`-([a-z][\\w-]+)`").matcher(String.join("\n", lines)).results().map(found -> found.group(1)).toList();
        assertTrue(named.contains("etcd-endpoints"), named.toString());
        List<String> known = Options.TABLE.stream().map(Option::name).toList();
        assertEquals(List.of(), named.stream().filter(name -> !known.contains(name)).toList());
    }
}
