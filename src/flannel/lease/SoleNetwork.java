package flannel.lease;

import java.util.function.Consumer;

/** A catalog of the one network without a name. */
public record SoleNetwork(SubnetStore store) implements NetworkCatalog {

    @Override
    public SubnetStore network(String name) {
        if (!name.isEmpty()) {
            throw new IllegalArgumentException("there is one network only, without a name");
        }
        return store;
    }

    @Override
    public String place() {
        return store.configPlace();
    }

    @Override
    public void follow(Consumer<News> sink) {
        throw new UnsupportedOperationException("there is nothing to follow");
    }

    @Override
    public void close() {
        store.close();
    }
}
