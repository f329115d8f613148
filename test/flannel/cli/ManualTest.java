package flannel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The manual page and README.md know every option. */
class ManualTest {

    @Test
    void manualPageTellsEveryOptionAndItsDefault() throws IOException {
        String text = Files.readString(Path.of("etc/flanneld.8")).replace("\\-", "-");
        assertEquals(List.of(), untold(text));
        assertEquals(List.of(), Options.TABLE.stream().map(Option::defaultValue).filter(value -> !text.contains(value)).toList());
    }

    @Test
    void readmeTellsEveryOption() throws IOException {
        assertEquals(List.of(), untold(Files.readString(Path.of("README.md"))));
    }

    private static List<String> untold(String text) {
        return Options.TABLE.stream().map(Option::name)
                .filter(name -> !Pattern.compile("(?<![\\w-])-" + name + "(?![\\w-])").matcher(text).find()).toList();
    }
}
