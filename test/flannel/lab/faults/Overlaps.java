package flannel.lab.faults;

import flannel.lab.Host;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Looks all the time whether two live daemons have told their hosts the same subnet: not even for a moment may they. */
final class Overlaps implements AutoCloseable {

    private static final int PERIOD_MILLIS = 20;

    private final List<Host> hosts;
    private final Thread thread;
    private volatile String seen;

    Overlaps(List<Host> hosts) {
        this.hosts = List.copyOf(hosts);
        thread = Thread.ofPlatform().daemon().name("overlaps").start(this::look);
    }

    private void look() {
        try {
            for (; seen == null; Thread.sleep(PERIOD_MILLIS)) {
                seen = doubled();
            }
        } catch (InterruptedException e) {
            // closed
        } catch (IOException e) {
            seen = e.toString();
        }
    }

    private String doubled() throws IOException {
        Map<String, Host> holders = new HashMap<>();
        for (Host host : hosts) {
            try {
                Host other = host.daemon().isAlive() ? holders.put(host.subnet(), host) : null;
                if (other != null) {
                    return other.address() + " and " + host.address() + " both had " + host.subnet();
                }
            } catch (NoSuchFileException e) {
                // it has none
            }
        }
        return null;
    }

    void check() {
        if (seen != null) {
            throw new AssertionError(seen);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
