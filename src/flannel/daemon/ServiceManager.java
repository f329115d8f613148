package flannel.daemon;

import flannel.linux.SystemCallException;
import flannel.linux.UnixDatagram;
import flannel.log.Log;
import flannel.log.Printable;
import java.time.Duration;

/**
 * Tells systemd how the daemon is, by the protocol of sd_notify(3). Without a service manager (no NOTIFY_SOCKET) nothing is told. Nobody is
 * ever kept waiting: what a service manager has no ear for is told again until it has. Safe for use by all threads.
 */
public final class ServiceManager {

    private static final Duration RETRY = Duration.ofSeconds(1);

    /** In characters; systemd reads 4096 bytes at a time (its NOTIFY_BUFFER_MAX), people one line. */
    private static final int STATUS_LIMIT = 500;

    private final String socket;
    private final Log log;
    private String status = "";
    private boolean readyUntold;
    private boolean deaf;

    /** @param socket value of NOTIFY_SOCKET; null or empty when there is no service manager */
    public ServiceManager(String socket, Log log) {
        this.socket = socket == null ? "" : socket;
        this.log = log;
    }

    /** The data path and the subnet file are there: units ordered after this one may start. */
    synchronized void ready(String status) {
        readyUntold = true;
        this.status = status;
        tell();
    }

    /** What systemctl status shows, before and after {@link #ready}. */
    synchronized void status(String status) {
        if (!status.equals(this.status)) {
            this.status = status;
            tell();
        }
    }

    synchronized void stopping(String status) {
        send("STOPPING=1\nSTATUS=" + status);
    }

    private void tell() {
        if (!deaf && !tellNow()) {
            deaf = true;
            Thread.ofVirtual().name("service-manager").start(this::tellLater);
        }
    }

    private boolean tellNow() {
        boolean sent = send((readyUntold ? "READY=1\n" : "") + "STATUS=" + Printable.line(status, STATUS_LIMIT));
        readyUntold &= !sent;
        return sent;
    }

    private void tellLater() {
        try {
            do {
                Thread.sleep(RETRY);
            } while (!heard());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean heard() {
        if (tellNow()) {
            deaf = false;
            log.info("The service manager listens again");
        }
        return !deaf;
    }

    private boolean send(String state) {
        try {
            if (!socket.isEmpty()) {
                UnixDatagram.send(socket, state);
            }
            return true;
        } catch (SystemCallException | IllegalArgumentException e) {
            if (!deaf) {
                log.warning("cannot tell the service manager: " + e.getMessage() + "; trying again until it listens");
            }
            return false;
        }
    }
}
