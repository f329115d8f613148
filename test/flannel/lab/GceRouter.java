package flannel.lab;

import flannel.backend.gce.FakeGoogle;
import java.util.HashMap;
import java.util.Map;

/** The lab's switch as the router of a network of Google's cloud: what the routes of a {@link FakeGoogle} say, its kernel does. */
final class GceRouter implements AutoCloseable {

    private static final int PERIOD_MILLIS = 20;

    private final NetworkNamespace namespace;
    private final FakeGoogle google;
    private final String network;
    private final Map<String, String> applied = new HashMap<>();
    private final Thread thread = Thread.ofPlatform().daemon().name("cloud router").unstarted(this::follow);

    GceRouter(NetworkNamespace namespace, FakeGoogle google, String network) {
        this.namespace = namespace;
        this.google = google;
        this.network = network;
        namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.br0.send_redirects=0");
        thread.start();
    }

    private void follow() {
        try {
            while (true) {
                apply(google.table(network));
                Thread.sleep(PERIOD_MILLIS);    // operations take effect at their time
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    private void apply(Map<String, String> table) {
        table.forEach((destination, hop) -> {
            if (!hop.equals(applied.put(destination, hop))) {
                namespace.run("ip", "route", "replace", destination, "via", hop);
            }
        });
        for (String destination : applied.keySet().stream().filter(each -> !table.containsKey(each)).toList()) {
            namespace.run("ip", "route", "delete", destination);
            applied.remove(destination);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
