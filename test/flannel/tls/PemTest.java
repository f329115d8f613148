package flannel.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PemTest {

    @Test
    void aBlockEndsBehindItsBeginning() {
        assertThrows(IllegalArgumentException.class, () -> Pem.certificates("a.crt", "-----BEGIN CERTIFICATE-----END CERTIFICATE-----"));
    }

    /** Elements whose length is missing, below nothing, that of a circle, in gigabytes, or beyond the end. */
    @ParameterizedTest
    @ValueSource(strings = {"", "30", "300502", "30060284ffffffff00", "30060284fffffffa00", "3006a084ffffffff00", "3006a0847fffffff00", "3003a00500",
        "3006a084800000000000"})
    void aKeyWhoseLengthsAreWrongIsRefused(String der) {
        String text = "-----BEGIN EC PRIVATE KEY-----\n" + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(der)) + "\n-----END EC PRIVATE KEY-----\n";
        String reason = assertThrows(IllegalArgumentException.class, () -> Pem.privateKey("a.key", text)).getMessage();
        assertTrue(reason.contains("a.key"), reason);
    }

    /** Of ten thousand beginnings with one end each would have been a block up to that. */
    @Test
    void noBlockBeginsInAnother() {
        String text = "-----BEGIN PRIVATE KEY-----\n".repeat(10_000) + "AAAA\n-----END PRIVATE KEY-----\n";
        assertEquals("the file holds a PEM block that another one begins in",
                assertThrows(IllegalArgumentException.class, () -> Pem.privateKey("the file", text)).getMessage());
    }
}
