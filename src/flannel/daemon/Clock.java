package flannel.daemon;

import flannel.linux.BootClock;
import java.time.Instant;

/** Time, as a network's thread sees it: all deadlines by the clock that nobody sets, the wall clock for what is read and shown. */
interface Clock {

    /** Nanoseconds since some moment; goes on while the machine sleeps. */
    long nanos();

    /** The time of day, which may be set at any moment. */
    Instant wallTime();

    /** This machine's. For one thread. */
    static Clock system() {
        BootClock boot = new BootClock();
        return new Clock() {
            @Override
            public long nanos() {
                return boot.nanos();
            }

            @Override
            public Instant wallTime() {
                return Instant.now();
            }
        };
    }
}
