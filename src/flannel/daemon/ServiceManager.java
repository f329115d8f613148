package flannel.daemon;

import flannel.linux.SystemCallException;
import flannel.linux.UnixDatagram;
import flannel.log.Log;
import java.time.Duration;

/**
 * Tells systemd how the daemon is, by the protocol of sd_notify(3). Without a service manager (no NOTIFY_SOCKET) nothing is told.
 */
public final class ServiceManager {

    /** How long systemd is asked to wait at a time. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final String socket;
    private final Log log;
    private String status = "";
    private long extendUntilNanos;

    /** @param socket value of NOTIFY_SOCKET; null or empty when there is no service manager */
    public ServiceManager(String socket, Log log) {
        this.socket = socket == null ? "" : socket;
        this.log = log;
    }

    /** The data path and the subnet file are there: units ordered after this one may start. */
    void ready(String status) {
        this.status = status;
        send("READY=1\nSTATUS=" + status);
    }

    /** What systemctl status shows. */
    void status(String status) {
        if (!status.equals(this.status)) {
            this.status = status;
            send("STATUS=" + status);
        }
    }

    /** Start-up goes on: what it waits for. */
    void waiting(String status) {
        this.status = status;
        extendUntilNanos = System.nanoTime() + PATIENCE.toNanos();
        send("STATUS=" + status + "\nEXTEND_TIMEOUT_USEC=" + PATIENCE.toNanos() / 1000);
    }

    /** To be called now and then while waiting: systemd must not give up, however long it takes. */
    void keepWaiting() {
        if (!status.isEmpty() && extendUntilNanos - System.nanoTime() < PATIENCE.toNanos() / 2) {
            waiting(status);
        }
    }

    void stopping() {
        send("STOPPING=1\nSTATUS=stopped; the data path stays");
    }

    private void send(String state) {
        if (socket.isEmpty()) {
            return;
        }
        try {
            UnixDatagram.send(socket, state);
        } catch (SystemCallException | IllegalArgumentException e) {
            log.warning("cannot tell the service manager: " + e.getMessage());
        }
    }
}
