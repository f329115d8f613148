package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class ChecksumOffloadTest {

    @Test
    void kernelsBefore5Point7GetItWrong() {
        for (String old : List.of("3.10.0-1160.el7.x86_64", "4.18.0-553.el8_10.x86_64", "5.6.19", "5.6", "2.6.32")) {
            assertEquals(ChecksumOffload.OFF, ChecksumOffload.of("auto", old), old);
        }
        for (String good : List.of("5.7.0", "5.14.0-427.el9.x86_64", "6.1.0-13-amd64", "10.0", "5.10-rc1", "", "unknown", "5")) {
            assertEquals(ChecksumOffload.LEAVE, ChecksumOffload.of("auto", good), good);
        }
    }

    @Test
    void theOperatorHasTheLastWord() {
        assertEquals(ChecksumOffload.ON, ChecksumOffload.of("on", "3.10.0"));
        assertEquals(ChecksumOffload.OFF, ChecksumOffload.of("off", "6.1.0"));
        assertEquals("\"yes\" is none of auto, on and off",
                assertThrows(IllegalArgumentException.class, () -> ChecksumOffload.of("yes", "6.1.0")).getMessage());
    }
}
