package flannel.report;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes out of texts what only their owner may know: values with a telling name (password, token, ...), user and password in URLs, private keys, what
 * looks like a key or token of a cloud's or of Kubernetes', and, wherever it stands, each value that some setting has shown to be a secret. Rather too
 * much than too little. Not for several threads.
 */
final class Secrets {

    static final String MARK = "(taken out)";

    /** A shorter one would be found everywhere. */
    private static final int SHORTEST = 4;

    private static final int LONGEST_NAME = 60;

    private static final Pattern NAME = Pattern.compile("(?i)(?:pass(?:word|wd|phrase)|secret|token|credential|authorization|cookie|signature"
            + "|(?:private|access|api)[-_.]?key|client[-_.]key[-_.]data)[\\w.-]{0,40}");

    /** What ends so is the name of a place. */
    private static final Pattern PLACE = Pattern.compile("(?i).*(?:file|path|dir|folder|url|uri)$");

    /** These have more words than one. */
    private static final Pattern TO_LINES_END = Pattern.compile("(?i)(?:authorization|cookie).*");

    private static final Pattern USER_IN_URL = Pattern.compile("(\\w://)((?:(?!://)[^\\s\"'<>]){1,400})@");

    private static final Pattern PRIVATE_KEY = Pattern.compile("(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\\z)");

    private static final List<Pattern> SHAPES = List.of(
            Pattern.compile("(?i)\\b(?:Bearer|Basic) +[\\w.~+/=-]{6,}"),
            Pattern.compile("\\beyJ[\\w-]{8,}\\.[\\w.-]*"), // RFC 7519: JSON in base64
            Pattern.compile("\\b(?:AKIA|ASIA)[A-Z0-9]{12,}"),
            Pattern.compile("\\bya29\\.[\\w.-]+"),
            Pattern.compile("\\b[a-z0-9]{6}\\.[a-z0-9]{16}\\b"), // Kubernetes' bootstrap tokens
            Pattern.compile("(?<![\\w+/-])(?=[\\w+/-]*[a-z])(?=[\\w+/-]*[A-Z])(?=[\\w+/-]*\\d)[\\w+/-]{40,}={0,2}"));

    private final Set<String> known = new TreeSet<>(Comparator.comparing(String::length).reversed().thenComparing(Comparator.naturalOrder()));
    private int taken;

    /** Whether a variable, an option or a member of that name holds a secret. */
    static boolean isSecret(String name) {
        return NAME.matcher(name).find() && !PLACE.matcher(name).matches();
    }

    /** From now on it is taken out wherever it stands, also as JSON and URLs write it. */
    void learn(String value) {
        String bare = value.strip();
        if (bare.length() < SHORTEST || MARK.contains(bare) || List.of("true", "false", "null", "none", "auto").contains(bare)) {
            return;
        }
        known.add(bare);
        known.add(bare.replace("\\", "\\\\").replace("\"", "\\\""));
        known.add(URLEncoder.encode(bare, StandardCharsets.UTF_8));
        try {
            known.add(URLDecoder.decode(bare, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            // then it is not encoded
        }
    }

    /** Learns the secrets of a text of settings, by the names and places that they have there. */
    void learnFrom(String settings) {
        Matcher user = USER_IN_URL.matcher(settings);
        while (user.find()) {
            learn(user.group(2));
            learn(user.group(2).substring(user.group(2).indexOf(':') + 1));
        }
        namedValues(settings, true);
    }

    /** The text without them. */
    String without(String text) {
        String rest = namedValues(PRIVATE_KEY.matcher(text).replaceAll(found -> mark()), false);
        rest = USER_IN_URL.matcher(rest).replaceAll(found -> found.group(1) + mark() + "@");
        for (Pattern shape : SHAPES) {
            rest = shape.matcher(rest).replaceAll(found -> mark());
        }
        for (String value : known) {
            if (rest.contains(value)) {
                rest = rest.replace(value, mark());
            }
        }
        return rest;
    }

    /** In how many places something has been taken out. */
    int taken() {
        return taken;
    }

    private String mark() {
        taken++;
        return MARK;
    }

    /** Learns the values with a telling name, or takes them out. */
    private String namedValues(String text, boolean learning) {
        StringBuilder rest = new StringBuilder(text.length());
        Matcher name = NAME.matcher(text);
        int copied = 0;
        for (int from = 0; name.find(from);) {
            from = name.end();
            int word = startOfWord(text, name.start());
            int start = PLACE.matcher(name.group()).matches() ? -1 : valueBehind(text, name.end(), text.charAt(word) == '-');
            if (start < 0) {
                continue;
            }
            int end = endOfValue(text, word, start, TO_LINES_END.matcher(name.group()).matches());
            String value = text.substring(start, end);
            if (value.isEmpty() || value.startsWith(MARK)) {
                continue;
            }
            if (learning) {
                learn(value);
                learn(value.replaceFirst("[,;\\])]+$", ""));
                learn(value.replaceAll("\\\\(.)", "$1"));
            } else {
                rest.append(text, copied, start).append(mark());
                copied = end;
            }
            from = end;
        }
        return rest.append(text, copied, text.length()).toString();
    }

    /** Of the word that the telling part of a name stands in. */
    private static int startOfWord(String text, int telling) {
        int at = telling;
        while (at > 0 && telling - at < LONGEST_NAME && (Character.isLetterOrDigit(text.charAt(at - 1)) || "_.-".indexOf(text.charAt(at - 1)) >= 0)) {
            at--;
        }
        return at;
    }

    /** Where the value begins: behind an equals sign or a colon, or as an option's next word; -1 when there is none. */
    private static int valueBehind(String text, int name, boolean option) {
        int sign = skipBlanks(text, skipQuote(text, name));
        if (sign < text.length() && (text.charAt(sign) == '=' || text.charAt(sign) == ':')) {
            return skipQuote(text, skipBlanks(text, sign + 1));
        }
        return option && sign > name ? skipQuote(text, sign) : -1;
    }

    private static int skipBlanks(String text, int from) {
        int at = from;
        while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
            at++;
        }
        return at;
    }

    /** Behind one quote, be it escaped, as in JSON in JSON. */
    private static int skipQuote(String text, int from) {
        int at = from;
        while (at < text.length() && text.charAt(at) == '\\') {
            at++;
        }
        return at < text.length() && isQuote(text.charAt(at)) ? at + 1 : from;
    }

    private static boolean isQuote(char c) {
        return c == '"' || c == '\'';
    }

    /** Up to the quote that the value, or the assignment as a whole, began with; else to the end of the word, or of the line. */
    private static int endOfValue(String text, int word, int start, boolean wholeLine) {
        char first = text.charAt(start - 1);
        char quote = isQuote(first) ? first : word > 0 && isQuote(text.charAt(word - 1)) ? text.charAt(word - 1) : 0;
        boolean escaped = isQuote(first) && text.charAt(start - 2) == '\\';
        boolean amongOptions = text.charAt(word) == '-' && !isQuote(first);
        for (int at = start; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '\n' || quote == 0 && !wholeLine && (Character.isWhitespace(c) || isQuote(c) || c == '}') || amongOptions && text.startsWith(" -", at)) {
                return at;
            }
            if (c == '\\' && !(escaped && at + 1 < text.length() && text.charAt(at + 1) == quote)) {
                at++; // what is behind it ends nothing
            } else if (c == quote || escaped && c == '\\') {
                return at;
            }
        }
        return text.length();
    }
}
