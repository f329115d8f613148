package flannel.lab.faults;

import flannel.lab.Host;

/**
 * One thing that goes wrong and is put right again.
 *
 * @param touches       who may lose packets by it
 * @param healsInSeconds how long after its end until all is as before
 * @param mend          {@link #NOTHING} where the daemons alone put it right
 */
record Fault(String name, Touches touches, int healsInSeconds, Action plant, Action mend) {

    static final Action NOTHING = scene -> { };

    /** Whose traffic. */
    enum Touches {
        NOBODY,
        /** The two hosts, of each other. */
        THE_PAIR,
        THE_HOST,
        /** A daemon that carries the packets itself: the host with udp, nobody else. */
        THE_DAEMON,
        /** All daemons. */
        ALL_DAEMONS;

        boolean allows(Scene scene, Traffic.Loss loss) {
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
    }

    /** May fail. */
    interface Action {
        void on(Scene scene) throws Exception;
    }

    /** One that the daemons put right by themselves. */
    Fault(String name, Touches touches, int healsInSeconds, Action plant) {
        this(name, touches, healsInSeconds, plant, NOTHING);
    }
}
