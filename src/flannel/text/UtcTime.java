package flannel.text;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * Moments as text, in UTC, with English names of days and months. Not by a DateTimeFormatter: to look those names up it loads the JDK's
 * locale data, some 60 classes that nothing else here needs.
 */
public final class UtcTime {

    private static final String DAYS = "MonTueWedThuFriSatSun";
    private static final String MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

    private UtcTime() {
    }

    /** For HTTP's headers (RFC 9110, 5.6.7, IMF-fixdate): {@code Sun, 22 Nov 2026 10:13:57 GMT}. */
    public static String http(Instant when) {
        LocalDateTime time = LocalDateTime.ofInstant(when, ZoneOffset.UTC);
        StringBuilder text = new StringBuilder(32).append(name(DAYS, time.getDayOfWeek().getValue())).append(", ");
        two(time.getDayOfMonth(), text).append(' ').append(name(MONTHS, time.getMonthValue())).append(' ').append(time.getYear()).append(' ');
        return clock(time, text).append(" GMT").toString();
    }

    /** For people: {@code Nov 22 10:13:57}. */
    public static String brief(Instant when) {
        LocalDateTime time = LocalDateTime.ofInstant(when, ZoneOffset.UTC);
        return clock(time, new StringBuilder(16).append(name(MONTHS, time.getMonthValue())).append(' ').append(time.getDayOfMonth()).append(' '))
                .toString();
    }

    private static String name(String names, int number) {
        return names.substring(3 * number - 3, 3 * number);
    }

    private static StringBuilder clock(LocalDateTime time, StringBuilder text) {
        two(time.getHour(), text).append(':');
        two(time.getMinute(), text).append(':');
        return two(time.getSecond(), text);
    }

    private static StringBuilder two(int number, StringBuilder text) {
        return text.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
    }
}
