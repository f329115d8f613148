package flannel.etcd;

import flannel.lease.LeaseRegistry;
import flannel.lease.RegistryException;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A network's keys as one of etcd's two APIs shows them; each API has a store of its own. */
sealed interface EtcdStore extends LeaseRegistry permits EtcdV2Registry, EtcdV3Registry {

    /** "v2" or "v3". */
    String api();

    /** The config key alone; null when there is none. */
    String config() throws RegistryException, InterruptedException;

    /** A watch that also ends when the sink answers false. */
    void watchWhile(Cursor from, Predicate<Event> sink) throws RegistryException, InterruptedException;

    @Override
    default void watch(Cursor from, Consumer<Event> sink) throws RegistryException, InterruptedException {
        watchWhile(from, event -> {
            sink.accept(event);
            return true;
        });
    }
}
