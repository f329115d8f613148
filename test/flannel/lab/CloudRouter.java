package flannel.lab;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The lab's switch as the router of a cloud's network: what the cloud's route table says, its kernel does. Hosts reach it as their default
 * gateway; whatever they send to containers elsewhere goes through it.
 *
 * <pre>
 *   container - host 1 - default route -> [ switch: 10.1.83.0/24 via 192.168.32.212, ... ] -> host 2 - container
 * </pre>
 */
public final class CloudRouter implements AutoCloseable {

    /** Where clouds have their metadata. */
    public static final String METADATA = "169.254.169.254";

    private static final int PERIOD_MILLIS = 20;

    private final NetworkNamespace kernel;
    private final Supplier<Map<String, String>> table;
    private final Map<String, String> applied = new HashMap<>();
    private final Thread thread = Thread.ofPlatform().daemon().name("cloud router").unstarted(this::follow);

    /** @param table asked again and again for all routes: the next hop's address by destination */
    public CloudRouter(Lab lab, Supplier<Map<String, String>> table) {
        this.kernel = lab.outside();
        this.table = table;
        kernel.run("ip", "address", "replace", METADATA + "/32", "dev", "br0");
        kernel.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
        kernel.run("sysctl", "-qw", "net.ipv4.conf.all.send_redirects=0");  // a cloud's router does not tell hosts of shorter ways
        kernel.run("sysctl", "-qw", "net.ipv4.conf.br0.send_redirects=0");
        thread.start();
    }

    private void follow() {
        try {
            while (true) {
                apply(table.get());
                Thread.sleep(PERIOD_MILLIS);
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    private void apply(Map<String, String> now) {
        now.forEach((destination, hop) -> {
            if (!hop.equals(applied.put(destination, hop))) {
                kernel.run("ip", "route", "replace", destination, "via", hop);
            }
        });
        applied.keySet().removeIf(destination -> {
            if (!now.containsKey(destination)) {
                kernel.run("ip", "route", "delete", destination);
            }
            return !now.containsKey(destination);
        });
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
