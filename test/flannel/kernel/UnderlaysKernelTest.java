package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.log.Log;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The interface to the other hosts is followed on the real kernel's word alone, as the daemon does it. */
class UnderlaysKernelTest {

    private static final Underlays.Selection ETH0 = new Underlays.Selection(List.of("eth0"), List.of(), null);

    private record Step(String done, String expected) {
    }

    @Test
    void everyChangeIsHeardAndFollowed() throws Exception {
        List<Step> steps = List.of(
                new Step("ip address flush dev eth0", "eth0 has no IPv4 address"),
                new Step("ip address add 192.168.32.211/24 dev eth0", "eth0 192.168.32.211 of 192.168.32.0/24, MTU 1500"),
                new Step("ip address flush dev eth0; ip address add 192.168.40.77/22 dev eth0",
                        "eth0 192.168.40.77 of 192.168.40.0/22, MTU 1500"),
                new Step("ip link set eth0 mtu 1400", "eth0 192.168.40.77 of 192.168.40.0/22, MTU 1400"),
                new Step("ip link set eth0 down; ip link set eth0 name lan0; ip link set lan0 up",
                        "lan0 192.168.40.77 of 192.168.40.0/22, MTU 1400"),
                new Step("ip link del lan0", "lan0 is gone: -iface=eth0: no such network interface; no interface has an IPv4 address"),
                new Step("ip link add lan0 type veth peer name wire", "lan0 has no IPv4 address"),
                new Step("ip address add 192.168.40.77/22 dev lan0", "lan0 192.168.40.77 of 192.168.40.0/22, MTU 1500"));
        try (NetworkNamespace host = Needs.namespace("underlay")) {
            host.run("sh", "-c",
                    "ip link add eth0 type veth peer name wire; ip link set eth0 up; ip address add 192.168.32.211/24 dev eth0");
            host.call(() -> {
                LinkedBlockingQueue<KernelEvent> events = new LinkedBlockingQueue<>();
                try (KernelMonitor monitor = KernelMonitor.open(new Log(System.err, 0))) {
                    host.start("monitor", () -> {
                        try {
                            monitor.run(events::add);
                        } catch (Exception e) {
                            throw new AssertionError(e);
                        }
                    });
                    Underlay current = Underlays.choose(ETH0);
                    boolean there = true;
                    for (Step step : steps) {
                        host.run("sh", "-c", step.done());
                        String told = "";
                        while (!told.equals(step.expected())) {
                            KernelEvent event = events.poll(5, TimeUnit.SECONDS);
                            assertNotNull(event, step + ": but " + told);
                            if (Underlays.concerns(event, there ? current : null)) {
                                try {
                                    current = Underlays.follow(ETH0, current);
                                    there = true;
                                    told = current.name() + " " + current.address() + " of " + current.onLink() + ", MTU " + current.mtu();
                                } catch (UnderlayException e) {
                                    there = false;
                                    told = e.getMessage();
                                }
                            }
                        }
                        assertEquals(step.expected(), told);
                    }
                }
            });
        }
    }
}
