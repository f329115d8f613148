package flannel.store;

import flannel.files.FileException;
import flannel.fuzz.JsonMutation;
import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.lease.StoreException;
import flannel.log.Log;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Spoiled files of a server's own store; a record of spoiled JSON, too, under checksums that are right. */
public final class StoreFuzz {

    private static final String FIRST = "{\"format\":1,\"store\":\"5d1e0c2b9a7f4e63\",\"revision\":2,\"clock\":86400000,"
            + "\"wall\":1795592146000,\"changes\":["
            + "{\"as\":1,\"config\":\"{\\\"Network\\\":\\\"10.1.0.0/16\\\"}\"},{\"as\":2,\"subnet\":\"10.1.5.0/24\",\"end\":96400000,"
                    + "\"lease\":"
            + "{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\"}}]}\n";
    private static final String SECOND = "{\"revision\":4,\"clock\":86400001,\"wall\":1795592146001,\"changes\":[{\"as\":3,"
            + "\"subnet\":\"10.1.5.0/24\"},"
            + "{\"as\":4,\"net\":\"blue\",\"subnet\":\"10.2.6.0/24\",\"lease\":{\"PublicIP\":\"192.168.32.212\"}}]}\n";

    private StoreFuzz() {
    }

    public static List<Target> targets() {
        Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
        Path folder = Target.folder("journal", "lock");
        byte[] first = Records.frame(Target.texts(FIRST).getFirst());
        byte[] second = Records.frame(Target.texts(SECOND).getFirst());
        byte[] both = Mutation.join(first, second);
        return List.of(new Target("small store: file", List.of(both, first, Mutation.join(both, second)), Mutation::bytes,
                Set.of(FileException.class),
                (input, dice) -> open(folder, input, log)),
                new Target("small store: records", Target.texts(FIRST, SECOND), (samples, dice) -> {
                    List<byte[]> records = new ArrayList<>();
                    samples.forEach(sample -> records.add(Records.frame(dice.nextInt(3) == 0 ? sample
                            : JsonMutation.mutate(List.of(sample), dice))));
                    return Mutation.join(records.toArray(byte[][]::new));
                }, Set.of(FileException.class), (input, dice) -> open(folder, input, log)));
    }

    /** As a command opens the store of a server that does not run. */
    private static void open(Path folder, byte[] input, Log log) throws FileException, IOException, InterruptedException {
        Files.write(folder.resolve("journal"), input);
        SmallStore store = SmallStore.openStopped(folder, log);
        try {
            store.network("").read();
        } catch (StoreException e) {
            throw new AssertionError(e);
        } finally {
            store.close();
        }
    }
}
