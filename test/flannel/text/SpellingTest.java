package flannel.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpellingTest {

    private static final List<String> KNOWN = List.of("Backend", "Network", "SubnetLen", "SubnetMax", "SubnetMin", "v");

    @ParameterizedTest
    @CsvSource({"Backned,Backend", "backend,Backend", "Bakend,Backend", "Backends,Backend", "Netwrok,Network", "SubnetLength,SubnetLen",
        "subnet_max,SubnetMax"})
    void findsTheWordThatWasMeant(String word, String meant) {
        assertEquals(Optional.of(meant), Spelling.nearest(word, KNOWN));
    }

    @ParameterizedTest
    @CsvSource({"x", "w", "Type", "nosuch", "'',"})
    void saysNothingOfAWordThatIsLikeNone(String word) {
        assertEquals(Optional.empty(), Spelling.nearest(word, KNOWN));
    }

    @Test
    void prefersTheNearer() {
        assertEquals(Optional.of("SubnetMin"), Spelling.nearest("SubnetMn", List.of("SubnetMax", "SubnetMin")));
    }
}
