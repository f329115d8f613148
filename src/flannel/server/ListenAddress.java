package flannel.server;

import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.util.Map;

/**
 * Where a server listens: {@code :8888}, {@code 10.1.2.3:8888}, {@code [::1]:8888}, {@code tcp://…}, or a socket that systemd has opened,
 * {@code fd://} for its first one and {@code fd://5} for that number (sd_listen_fds(3)).
 *
 * @param host empty for all of this host's addresses
 * @param fd   -1 when it is to be opened here
 */
public record ListenAddress(String host, int port, int fd) {

    /** SD_LISTEN_FDS_START. */
    private static final int FIRST_FD = 3;

    private static final int BACKLOG = 1_024;

    /** @throws IllegalArgumentException with a sentence */
    public static ListenAddress parse(String text) {
        if (text.startsWith("fd://")) {
            String number = text.substring(5);
            if (!number.matches("\\d{0,5}") || !number.isEmpty() && Integer.parseInt(number) < FIRST_FD) {
                throw new IllegalArgumentException("-listen=" + text + ": the number of a socket of systemd's is 3 or more");
            }
            return new ListenAddress("", 0, number.isEmpty() ? FIRST_FD : Integer.parseInt(number));
        }
        String address = text.startsWith("tcp://") ? text.substring(6) : text;
        int colon = address.lastIndexOf(':');
        String host = colon < 0 ? "" : address.substring(0, colon);
        String port = address.substring(colon + 1);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.contains(":") || host.contains("/")) {
            port = "";
        }
        if (colon < 0 || !port.matches("\\d{1,5}") || Integer.parseInt(port) > 65_535) {
            throw new IllegalArgumentException("-listen=" + text + " is not an address of the form host:port, :port or fd://");
        }
        return new ListenAddress(host, Integer.parseInt(port), -1);
    }

    /**
     * Opens it, or takes it over.
     *
     * @param environment of this process
     * @throws IOException with a sentence
     */
    public ServerSocketChannel open(Map<String, String> environment) throws IOException {
        if (fd >= 0) {
            return inherited(environment);
        }
        InetSocketAddress address = host.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new IOException("the name " + host + " does not resolve");
        }
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            return channel.bind(address, BACKLOG);
        } catch (IOException e) {
            channel.close();
            throw new IOException("cannot listen on " + this + ": " + e.getMessage(), e);
        }
    }

    /** Java takes over what inetd passes, which is number 0; so systemd's number becomes that one. */
    private ServerSocketChannel inherited(Map<String, String> environment) throws IOException {
        String pid = environment.getOrDefault("LISTEN_PID", "");
        String count = environment.getOrDefault("LISTEN_FDS", "");
        if (!pid.equals(Long.toString(ProcessHandle.current().pid())) || !count.matches("\\d{1,5}")) {
            throw new IOException("systemd has passed no socket to this process: -listen=" + this + " needs a flanneld.socket unit");
        }
        if (fd >= FIRST_FD + Integer.parseInt(count)) {
            throw new IOException("fd " + fd + " is out of range: systemd has passed " + count + " sockets, from 3 on");
        }
        try {
            SystemCallException.check("dup3 of " + fd, Libc.dup3(fd, 0, 0));
        } catch (SystemCallException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (System.inheritedChannel() instanceof ServerSocketChannel channel) {
            channel.configureBlocking(true);
            return channel;
        }
        throw new IOException("fd " + fd + ", which systemd has passed, is not a listening TCP socket");
    }

    @Override
    public String toString() {
        return fd >= 0 ? "fd://" + fd : (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
