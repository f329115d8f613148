package flannel.log;

/** Text from outside, made fit for a line that people and programs read: it can neither steer a terminal, nor pass for several lines. */
public final class Printable {

    private Printable() {
    }

    /**
     * The text as one line. White space becomes spaces. What prints nothing, or changes how the rest prints, is told by its number, as in
     * {@code \x1b} and {@code \u202e}: by Unicode's categories those are control and format characters, separators of lines and paragraphs,
     * unpaired surrogates, and what is not assigned.
     *
     * @param limit the longest that the line may become, in characters; what is cut off is counted at its end
     */
    public static String line(String text, int limit) {
        return text.length() <= limit && isPlain(text) ? text : rewritten(text, limit);
    }

    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < ' ' || text.charAt(i) > '~') {
                return false;
            }
        }
        return true;
    }

    private static String rewritten(String text, int limit) {
        StringBuilder line = new StringBuilder(Math.min(text.length(), limit) + 32);
        int at = 0;
        while (at < text.length() && line.length() < limit) {
            int c = text.codePointAt(at);
            at += Character.charCount(c);
            append(c, line);
        }
        if (at < text.length()) {
            line.append("... (").append(text.length() - at).append(" more characters)");
        }
        return line.toString();
    }

    private static void append(int c, StringBuilder line) {
        switch ((byte) Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE,
                    Character.PRIVATE_USE, Character.UNASSIGNED ->
                line.append(c == '\t' || c == '\n' || c == '\r' ? " "
                        : String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
            default -> line.appendCodePoint(c);
        }
    }
}
