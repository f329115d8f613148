package flannel.etcd;

import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A network's keys as one of etcd's two APIs shows them; each API has a store of its own. */
sealed interface EtcdStore extends LeaseRegistry permits EtcdV2Registry, EtcdV3Registry {

    /** "v2" or "v3". */
    String api();

    /** The config key alone; null when there is none. */
    String config() throws StoreException, InterruptedException;

    /**
     * Writes the config if there is none.
     *
     * @throws flannel.lease.LeaseConflictException when there is one
     */
    void createConfig(String text) throws StoreException, InterruptedException;

    /** A watch that also ends when the sink answers false. */
    void watchWhile(Cursor from, Duration atMost, Predicate<StoreEvent> sink) throws StoreException, InterruptedException;

    @Override
    default void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        watchWhile(from, atMost, event -> {
            sink.accept(event);
            return true;
        });
    }
}
