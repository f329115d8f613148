package flannel.cli;

import flannel.text.Spelling;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The words that may stand behind {@code flanneld}, to have it do something else than be the daemon. */
final class Commands {

    static final String DAEMON = "";
    static final String CHECK = "check";
    static final String CLEANUP = "cleanup";
    static final String RELEASE = "release";
    static final String STATUS = "status";
    static final String LEASE = "lease";
    static final String STORE = "store";
    static final String REPORT = "report";
    static final String HELP = "help";

    /** Those that are about what the daemon does: they have all of its options. */
    private static final Set<String> LIKE_THE_DAEMON = Set.of(CHECK, CLEANUP, RELEASE, REPORT);

    /** Those that ask a network's store, by the daemon's own options. */
    static final List<String> ASKING = List.of(DAEMON, LEASE, STORE);

    /**
     * One of them.
     *
     * @param synopsis how it is written
     * @param help     one line for the usage
     * @param words    that may stand among its options
     */
    record Entry(String name, String synopsis, String help, int words) {

        /** The words of which one stands behind it, as its synopsis has them; empty for a command that wants none. */
        List<String> verbs() {
            return Stream.of(synopsis.substring(name.length()).split("\\|")).map(form -> form.strip().split(" ")[0])
                    .filter(word -> word.matches("[a-z]+")).toList();
        }

        /** How it is written, for who has not: with the verb that was probably meant. */
        String usage(List<String> given) {
            String word = given.isEmpty() ? "" : given.getFirst();
            return (verbs().contains(word) ? Optional.<String>empty() : Spelling.nearest(word, verbs())).map(meant ->
                    "there is no flanneld " + name + " " + word + "; did you mean " + meant + "? ").orElse("") + "usage: flanneld " + synopsis;
        }
    }

    static final List<Entry> TABLE = List.of(
            new Entry(CHECK, "check [OPTION]...", "looks for what is wrong with this host's part of the overlay, and says what mends it; takes the daemon's options too", 0),
            new Entry(STATUS, "status [OPTION]...", "shows how the running daemon and its network are, and what needs attention", 0),
            new Entry(LEASE, "lease list | reserve SUBNET PUBLIC-IP | release SUBNET | copy [OPTION]...",
                    "shows and changes the leases of a network in etcd, at a server, or in a stopped server's store", 3),
            new Entry(STORE, "store export | import FILE | repair [OPTION]...",
                    "brings a server's own store to etcd, or keeps of a damaged one what can be read", 2),
            new Entry(RELEASE, "release [OPTION]...", "gives back the lease of this host, whose daemon is stopped; takes the daemon's options too", 0),
            new Entry(CLEANUP, "cleanup [OPTION]...", "takes everything that a stopped daemon has left on this host away; takes the daemon's options too", 0),
            new Entry(REPORT, "report [-o FILE] [OPTION]...", "writes one archive for a bug report: status, check, settings, kernel, log, without secrets; takes the daemon's options too", 0),
            new Entry(HELP, "help [COMMAND]", "prints the options, or those of a command", 1));

    private Commands() {
    }

    static Optional<Entry> find(String name) {
        return TABLE.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /** The command that was probably meant. */
    static Optional<String> nearest(String word) {
        return Spelling.nearest(word, TABLE.stream().map(Entry::name).toList());
    }

    static boolean has(String command, Option option) {
        return option.commands().contains(command) || LIKE_THE_DAEMON.contains(command) && option.commands().contains(DAEMON);
    }

    /** As it stands in a sentence. */
    static String describe(String command) {
        return command.equals(DAEMON) ? "the daemon" : "flanneld " + command;
    }
}
