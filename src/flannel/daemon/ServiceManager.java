package flannel.daemon;

import flannel.linux.SystemCallException;
import flannel.linux.UnixDatagram;
import flannel.log.Log;

/**
 * Tells systemd how the daemon is, by the protocol of sd_notify(3). Without a service manager (no NOTIFY_SOCKET) nothing is told.
 */
public final class ServiceManager {

    private static final long MICROS_PER_SECOND = 1_000_000;

    private final String socket;
    private final Log log;
    private String status = "";

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

    /** Start-up goes on, however long it takes: what it waits for, and that systemd is not to give up within that time. */
    void waiting(String status, int seconds) {
        this.status = status;
        send("STATUS=" + status + "\nEXTEND_TIMEOUT_USEC=" + seconds * MICROS_PER_SECOND);
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
