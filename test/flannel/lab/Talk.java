package flannel.lab;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A container of one host pings those of others while something happens, and what that costs is told at the end. The answers take the other
 * hosts' way back, so that one ping tells of both directions.
 */
final class Talk implements AutoCloseable {

    private final Map<Host, Ping> pings = new LinkedHashMap<>();

    /** Plugs a container into each host that has none, waits until they reach each other, and starts. */
    static Talk of(Host from, Host... to) throws Exception {
        NetworkNamespace container = from.container();
        for (Host host : to) {
            host.container();
            Await.that(from.address() + " reaches the container of " + host.address(),
                    () -> container.tryRun("ping", "-n", "-c", "1", "-W", "1", host.containerAddress()).exitCode() == 0);
        }
        Talk talk = new Talk();
        for (Host host : to) {
            talk.pings.put(host, Ping.start(container, host.containerAddress()));
        }
        return talk;
    }

    private Talk() {
    }

    /** Waits for so many more answers of every host. */
    void awaitReplies(int count) throws Exception {
        for (Ping ping : pings.values()) {
            ping.awaitReplies(count);
        }
    }

    /** How many pings were lost up to the last answer of each host, after some more answers; prints it. */
    int lost(String what) throws Exception {
        awaitReplies(5);
        int lost = lost();
        System.out.printf("    %d pings lost: %s%n", lost, what);
        return lost;
    }

    private int lost() {
        return pings.values().stream().mapToInt(Ping::lost).sum();
    }

    /** Ends the pings to a host; what was lost on the way there so far is forgotten. */
    void leave(Host host) {
        pings.remove(host).close();
    }

    int lostTo(Host host) {
        return pings.get(host).lost();
    }

    @Override
    public void close() {
        pings.values().forEach(Ping::close);
    }
}
