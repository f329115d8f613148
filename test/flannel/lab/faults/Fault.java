package flannel.lab.faults;

import flannel.lab.Host;

/**
 * One thing that goes wrong and is put right again.
 *
 * @param harm           who may lose packets by it
 * @param healsInSeconds how long after its end until all is as before
 * @param mostLines      that a daemon may write about it, beside some a second
 * @param mend           {@link #NOTHING} where the daemons alone put it right
 */
record Fault(String name, Harm harm, int healsInSeconds, int mostLines, Action plant, Action mend) {

    static final Action NOTHING = scene -> { };

    /** It may be 80 changes of leases. */
    private static final int LINES = 100;

    /** Whom it may cost packets. */
    interface Harm {
        boolean allows(Scene scene, Traffic.Loss loss);
    }

    /** Whose traffic. */
    enum Touches implements Harm {
        NOBODY,
        /** The two hosts, of each other. */
        THE_PAIR,
        THE_HOST,
        /** A daemon that carries the packets itself: the host with udp, nobody else. */
        THE_DAEMON,
        /** All daemons. */
        ALL_DAEMONS;

        @Override
        public boolean allows(Scene scene, Traffic.Loss loss) {
            boolean udp = scene.cluster().backend().equals("udp");
            boolean ofA = loss.from() == scene.a() || loss.to() == scene.a();
            boolean ofB = loss.from() == scene.b() || loss.to() == scene.b();
            return switch (this) {
                case NOBODY -> false;
                case THE_PAIR -> ofA && ofB;
                case THE_HOST -> ofA;
                case THE_DAEMON -> udp && ofA;
                case ALL_DAEMONS -> udp;
            };
        }
    }

    /** What the dice have chosen: a host, another one, a member of etcd. */
    record Scene(Cluster cluster, Host a, Host b, Members.Member member) {

        /** The same seen from the other host. */
        Scene swapped() {
            return new Scene(cluster, b, a, member);
        }
    }

    /** May fail. */
    interface Action {
        void on(Scene scene) throws Exception;
    }

    Fault(String name, Harm harm, int healsInSeconds, Action plant, Action mend) {
        this(name, harm, healsInSeconds, LINES, plant, mend);
    }

    /** One that the daemons put right by themselves. */
    Fault(String name, Harm harm, int healsInSeconds, Action plant) {
        this(name, harm, healsInSeconds, plant, NOTHING);
    }

    /** Its name in tables: two at once are one kind. */
    String kind() {
        return name.replaceFirst(": .*", "");
    }

    /** Two at once: the other one begins later and ends earlier, and to it the two hosts are each other. */
    Fault with(Fault other) {
        return new Fault("two at once: " + name + " + " + other.name,
                (scene, loss) -> harm.allows(scene, loss) || other.harm.allows(scene.swapped(), loss),
                healsInSeconds + other.healsInSeconds, mostLines + other.mostLines,
                scene -> {
                    plant.on(scene);
                    other.plant.on(scene.swapped());
                },
                mend == NOTHING && other.mend == NOTHING ? NOTHING : scene -> {
                    other.mend.on(scene.swapped());
                    mend.on(scene);
                });
    }
}
