package flannel.cli;

import java.util.List;
import java.util.Locale;

/**
 * One option of the command line.
 *
 * @param name         as written behind the dash
 * @param kind         how its value is read
 * @param defaultValue as text; empty for none
 * @param help         one line for the usage
 * @param commands     that it belongs to, see {@link Commands}; the daemon's name is empty
 */
record Option(String name, Kind kind, String defaultValue, String help, List<String> commands) {

    /** One of the daemon's. */
    Option(String name, Kind kind, String defaultValue, String help) {
        this(name, kind, defaultValue, help, List.of(Commands.DAEMON));
    }

    /** How a value is read; the word is what the usage shows. */
    enum Kind {
        TEXT("string"), FILE("string"), FOLDER("string"), LIST("value"), FLAG(""), NUMBER("int"), VALUE("value");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        String word() {
            return word;
        }
    }

    /** The environment variable that stands in when the command line leaves the option out. */
    String variable() {
        return "FLANNELD_" + name.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    /** Its entry of the usage, in the form of Go's flag package. */
    String usage() {
        String word = kind.word().isEmpty() ? "" : " " + kind.word();
        String shown = defaultValue.isEmpty() || kind == Kind.FLAG && defaultValue.equals("false") ? ""
                : " (default " + (kind.word().equals("string") ? '"' + defaultValue + '"' : defaultValue) + ")";
        return "  -" + name + word + "\n    \t" + help + shown + "\n";
    }
}
