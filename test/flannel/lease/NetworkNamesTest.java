package flannel.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NetworkNamesTest {

    @Test
    void whatAStoreInDoubtNoLongerHasStaysUntilItIsDeleted() {
        NetworkNames names = new NetworkNames();
        assertEquals(Set.of(), names.listed(List.of("blue", "green"), false));
        assertEquals(Set.of("blue"), names.listed(List.of("green"), false));
        assertEquals(Set.of(), names.listed(List.of("green"), true), "that goes on from a list without it");
        assertEquals(Set.of("blue", "green"), names.all());
        names.added("blue");
        names.listed(List.of("green"), true);
        assertEquals(Set.of("green"), names.all(), "it was there, and is gone");
        names.removed("green");
        assertEquals(Set.of(), names.all());
    }

    @Test
    void aNameIsAPartOfAPath() {
        assertTrue(NetworkCatalog.isName("blue") && NetworkCatalog.isName("a b.c-d_e") && NetworkCatalog.isName("ü".repeat(32)));
        for (String wrong : List.of("", "a/b", ".", "..", "_", " a", "a\t", "ü".repeat(33))) {
            assertFalse(NetworkCatalog.isName(wrong), wrong);
        }
    }
}
