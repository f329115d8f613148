package flannel.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class UtcTimeTest {

    @Test
    void isWhatTheFormatterOfTheJdkWrites() {
        DateTimeFormatter http = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US).withZone(ZoneOffset.UTC);
        DateTimeFormatter brief = DateTimeFormatter.ofPattern("MMM d HH:mm:ss", Locale.US).withZone(ZoneOffset.UTC);
        for (long seconds = 1_790_000_000L; seconds < 1_830_000_000L; seconds += 123_457) {
            Instant when = Instant.ofEpochSecond(seconds);
            assertEquals(http.format(when), UtcTime.http(when));
            assertEquals(brief.format(when), UtcTime.brief(when));
        }
        assertEquals("Sun, 22 Nov 2026 10:13:57 GMT", UtcTime.http(Instant.parse("2026-11-22T10:13:57.9Z")));
        assertEquals("Feb 1 00:00:00", UtcTime.brief(Instant.parse("2026-02-01T00:00:00Z")));
    }
}
