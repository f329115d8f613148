package flannel.cli;

import flannel.text.Spelling;
import java.util.List;
import java.util.Optional;

/** The words that may stand behind {@code flanneld}, to have it do something else than be the daemon. */
final class Commands {

    static final String DAEMON = "";
    static final String STATUS = "status";
    static final String HELP = "help";

    /**
     * One of them.
     *
     * @param synopsis how it is written
     * @param help     one line for the usage
     */
    record Entry(String name, String synopsis, String help) {
    }

    static final List<Entry> TABLE = List.of(
            new Entry(STATUS, "status [OPTION]...", "shows how the running daemon and its network are, and what needs attention"),
            new Entry(HELP, "help [COMMAND]", "prints the options, or those of a command"));

    private Commands() {
    }

    static Optional<Entry> find(String name) {
        return TABLE.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /** The command that was probably meant. */
    static Optional<String> nearest(String word) {
        return Spelling.nearest(word, TABLE.stream().map(Entry::name).toList());
    }

    /** As it stands in a sentence. */
    static String describe(String command) {
        return command.equals(DAEMON) ? "the daemon" : "flanneld " + command;
    }
}
