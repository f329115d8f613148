package flannel.lab.faults;

import flannel.lab.WallClock;
import flannel.lab.faults.Fault.Touches;
import java.time.Duration;
import java.util.List;

/** Hosts whose clock is set. */
final class Clocks {

    private static final Duration AHEAD = Duration.ofHours(50);     // two lives of a lease
    private static final Duration BACK = Duration.ofDays(-400);

    private Clocks() {
    }

    /** The daemon runs on with the clock of long ago, until another fault ends it. */
    static List<Fault> all() {
        return !WallClock.isPossible() ? List.of() : List.of(
                new Fault("clock jumps ahead, and far back", Touches.THE_DAEMON, 15, scene -> {
                    WallClock clock = new WallClock(scene.a());
                    clock.set(Duration.ZERO);
                    scene.a().daemon().terminate();
                    scene.a().start(scene.cluster().options(), clock.environment()).awaitReady();
                    clock.set(AHEAD);
                    Canary.awaitFollowed(scene.cluster());
                }, scene -> new WallClock(scene.a()).set(BACK)));
    }
}
