package flannel.lease;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.SortedSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** The networks that a store has: each has a name, and under it its own configuration and leases. */
public interface NetworkCatalog extends AutoCloseable {

    /** What it tells those who follow it. */
    sealed interface News {
    }

    /**
     * The networks there are now, all of them.
     *
     * @param names of those that have a configuration, and of those of which it is not proven that theirs is gone. Any text
     * @param at    when that was, by the store's own count
     */
    record Listed(SortedSet<String> names, Moment at) implements News {
    }

    /** The store can't be reached or asked; it is tried again without end. */
    record Away(String reason) implements News {
    }

    /** A name is a part of a key, of a path of HTTP and of a file's name. */
    Pattern NAME = Pattern.compile("[^/\\p{Cntrl}]+");

    int LONGEST_NAME_BYTES = 64;

    /** Whether a network can have this name; the one without a name is {@code _} for servers and their clients. */
    static boolean isName(String text) {
        return NAME.matcher(text).matches() && text.getBytes(StandardCharsets.UTF_8).length <= LONGEST_NAME_BYTES
                && !text.equals(".") && !text.equals("..") && !text.equals("_") && text.equals(text.strip());
    }

    /** The store of one of them, whether it is there or not; closed together with the catalog. The name of the network without one is empty. */
    SubnetStore network(String name);

    /** Where networks are looked for, as a person would name it: "keys /coreos.com/network/NAME/config in etcd (-etcd-prefix)". */
    String place();

    /** Tells which networks there are, and again after each change, until interrupted. To be called once, on a thread of its own. */
    void follow(Consumer<News> sink) throws InterruptedException;

    /**
     * Asks for the names of the networks that there are now.
     *
     * @throws StoreException when the store does not tell
     */
    default SortedSet<String> names() throws StoreException, InterruptedException {
        return names(FirstTold.PATIENCE);
    }

    /** The same for who can't wait for a store's own time limits. */
    default SortedSet<String> names(Duration patience) throws StoreException, InterruptedException {
        return switch (FirstTold.of(this::follow, patience)) {
            case Listed(SortedSet<String> names, Moment at) -> names;
            case Away(String reason) -> throw new StoreException(reason);
            case null -> throw new StoreException("the store does not answer");
        };
    }

    /** Ends all calls that wait, of its networks too. */
    @Override
    void close();
}
