package flannel.daemon;

import flannel.lease.NetworkCatalog;
import flannel.log.Printable;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Which networks the operator wants here.
 *
 * @param names     of {@code -networks}; empty for all that there are, or, unless watched, for the one without a name
 * @param watch     whether they come and go with the store's list ({@code -watch-networks})
 * @param directory where each network's subnet is told, in NAME.env
 */
public record NetworkSelection(List<String> names, boolean watch, Path directory) {

    static final String NAME_RULE = "which has at most " + NetworkCatalog.LONGEST_NAME_BYTES + " bytes, no \"/\", no control character,"
            + " no blank around it, is not \"_\", and can be a file's name in this locale";

    /** The network without a name, and no other. */
    public static final NetworkSelection SINGLE = new NetworkSelection(List.of(), false, Path.of("/run/flannel/networks"));

    /**
     * Reads what the options say.
     *
     * @param names separated by commas
     * @throws IllegalArgumentException with a sentence when one can't be a network's name
     */
    public static NetworkSelection parse(String names, boolean watch, Path directory) {
        Set<String> all = new LinkedHashSet<>();
        for (String part : names.split(",")) {
            String name = part.strip();
            if (!name.isEmpty() && !Networks.isName(name)) {
                throw new IllegalArgumentException("-networks: " + Printable.line(name, 100) + " can't be a network's name, " + NAME_RULE);
            }
            if (!name.isEmpty()) {
                all.add(name);
            }
        }
        if (all.size() > Networks.MOST) {
            throw new IllegalArgumentException("-networks names " + all.size() + " networks, more than " + Networks.MOST);
        }
        return new NetworkSelection(List.copyOf(all), watch, directory);
    }

    public boolean isSingle() {
        return names.isEmpty() && !watch;
    }

    /** Those that are there from the start, whatever the store says; the one without a name has the empty one. */
    List<String> fixed() {
        return watch ? List.of() : names.isEmpty() ? List.of("") : names;
    }
}
