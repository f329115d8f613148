package flannel.daemon;

import flannel.files.FileException;
import flannel.log.Log;
import java.time.Duration;
import java.util.Optional;

/** Keeps the files that tell Docker and scripts of a network's subnet as they should be, whoever removes or changes them. */
final class SubnetFiles {

    /** Where they are. */
    interface Place {

        /** What subnet.env says now; empty when it is not there or can't be read. */
        Optional<String> read();

        void write(SubnetFile subnet) throws FileException;

        /** Takes it away, for a network that leaves this host. */
        default void remove() throws FileException {
        }

        /** Asked to at each look: Docker may start at any time, and not go by what was written. */
        default void lookAtDocker(SubnetFile wanted) {
        }

        /** What was found then. */
        default Docker docker() {
            return Docker.NONE;
        }
    }

    /**
     * Docker's side.
     *
     * @param mtu     of the containers at docker0, in bytes; 0 when there are none
     * @param trouble why they are cut off, one sentence; empty when they are not
     */
    record Docker(int mtu, String trouble) {

        static final Docker NONE = new Docker(0, "");
    }

    /** Between two looks; and two tries, while nobody has been told of the subnet yet. */
    private static final Duration CHECK = Duration.ofSeconds(10);
    private static final Duration RETRY = Duration.ofSeconds(2);

    private final Place place;
    private final Repairs repairs;
    private final Log log;
    private final Alarm check;
    private SubnetFile wanted;
    private boolean told;
    private String trouble = "";

    SubnetFiles(Place place, Repairs repairs, Clock clock, Log log) {
        this.place = place;
        this.repairs = repairs;
        this.log = log;
        check = new Alarm(clock);
    }

    /** What is told, or would be if it could be written; null when that is nothing yet. */
    SubnetFile wanted() {
        return wanted;
    }

    /** True once they have been written. */
    boolean areTold() {
        return told;
    }

    /** Why they can't be written, in one sentence; empty when they can. */
    String trouble() {
        return trouble;
    }

    /** A trouble is looked at anew: who asks has perhaps just mended it. */
    Docker docker() {
        if (!place.docker().trouble().isEmpty()) {
            place.lookAtDocker(wanted);
        }
        return place.docker();
    }

    /** Writes what is to be told from now on. */
    void want(SubnetFile next) {
        wanted = next;
        write();
        looked();
    }

    /** Tells nobody of the subnet any more. */
    void withdraw() throws FileException {
        check.cancel();
        place.remove();
    }

    long nextNanos() {
        return check.atNanos();
    }

    /** Looks, when it is time to, whether they say what they should, and writes them if not. True when it looked. */
    boolean timers() {
        if (!check.rings()) {
            return false;
        }
        boolean asWanted = place.read().equals(Optional.of(wanted.text()));
        if (!asWanted && trouble.isEmpty()) {
            log.warning("Putting back the subnet file, which somebody removed or changed");
            repairs.noteFile("the subnet file");
        }
        if (!asWanted || !trouble.isEmpty()) {
            write();
        }
        looked();
        return true;
    }

    private void looked() {
        place.lookAtDocker(wanted);
        check.in(told ? CHECK : RETRY);
    }

    private void write() {
        try {
            place.write(wanted);
            trouble = "";
            told = true;
        } catch (FileException e) {
            String failure = "failed to write subnet file: " + e.getMessage() + "; until it can be written nobody is told of this host's subnet";
            if (!failure.equals(trouble)) {
                log.error(failure);
            }
            trouble = failure;
        }
    }
}
