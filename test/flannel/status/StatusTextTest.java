package flannel.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Stuck;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StatusTextTest {

    private static String text(Status status, String peer, boolean problemsOnly) {
        return StatusText.render(status, new StatusText.View(peer.isEmpty() ? PeerFilter.ALL : PeerFilter.parse(peer), problemsOnly, false,
                ZoneOffset.UTC));
    }

    private static String text(Status status) {
        return text(status, "", false);
    }

    @Test
    void aHealthyDaemon() {
        assertEquals("""
                flanneld 1.0.0, pid 4711, up 3 d 4 h: healthy

                network    10.1.0.0/16, vxlan
                lease      10.1.83.0/24 for 192.168.32.211, 23 h 12 min left
                interface  eth0, 192.168.32.211
                mtu        eth0 1500 > flannel.1 1450 > docker0 1450
                store      etcd v3 at http://192.168.32.213:2379, answered 4 s ago in 1.2 ms, listed 2 min 10 s ago
                kernel     compared 12 s ago, 12 times since the start

                peers      1: 1 by vxlan
                SUBNET              HOST             VIA      STATE
                10.1.12.0/24        192.168.32.212   vxlan

                memory     63 MiB resident; heap 5 MiB of 8 MiB, 64 MiB at most; 7 collections in 31 ms

                last events
                2026-11-22 10:00:00  I Lease acquired: 10.1.83.0/24
                2026-11-22 10:13:50  W Putting back the subnet file
                """, text(Samples.of(Samples.vxlan(new Peer("10.1.12.0/24", "192.168.32.212", "vxlan", false, "")))));
    }

    @Test
    void whatNeedsAPersonComesFirst() {
        assertEquals("""
                flanneld 1.0.0, pid 4711, up 3 d 4 h: needs attention

                ! docker0 has 172.17.0.1/16, but this host's subnet wants 10.1.83.1/24: Docker must start again with
                  the new options (systemctl restart docker)
                ! etcd cluster is unavailable: http://192.168.32.213:2379: connection refused
                ! the host 192.168.32.77 uses the backend vxlan, this one udp
                ! Ignoring fd00::-64 in the store: the value is not JSON
                ! 1 peer's lease is no longer in the store, or not readable there, and followed until the time is
                  over: the store was emptied, restored, replaced or garbled

                network    10.1.0.0/16, udp
                lease      10.1.83.0/24 for 192.168.32.211, 23 h 12 min left
                interface  eth0, 192.168.32.211
                mtu        eth0 1500 > flannel0 1450 > docker0 1450
                store      etcd v3 at http://192.168.32.213:2379, answered 4 s ago in 1.2 ms, listed 2 min 10 s ago
                kernel     compared 12 s ago, 12 times since the start

                peers      4: 2 by udp, 1 kept, 2 ignored
                SUBNET              HOST             VIA      STATE
                10.1.9.0/24         192.168.32.99    udp      kept: no longer in the store, or not readable
                10.1.77.0/24        192.168.32.77             the host 192.168.32.77 uses the backend vxlan, this
                                                              one udp
                fd00::-64                                     Ignoring fd00::-64 in the store: the value is not JSON
                10.1.12.0/24        192.168.32.212   udp

                data path        1 234 567  sentPackets: packets sent to other hosts
                dropped                 12  noRoute: from here, to an address in no lease

                repaired   link 1, route 3 since the start
                2026-11-22 09:00:00  link flannel0 and 3 more: device flannel0 was deleted by ip (process 815)

                memory     63 MiB resident; heap 5 MiB of 8 MiB, 64 MiB at most; 7 collections in 31 ms

                last events
                2026-11-22 10:00:00  I Lease acquired: 10.1.83.0/24
                2026-11-22 10:13:50  W Putting back the subnet file
                """, text(Samples.of(Samples.troubled())));
    }

    @Test
    void waysThatAreProbed() {
        String text = text(Samples.of(Samples.probed()));
        assertTrue(text.contains("""

                ! the way to 10.1.13.0/24 at 192.168.32.213: small packets get through, those of 1450 bytes do not:
                  the underlay takes smaller packets than its MTU says
                ! the way to 10.1.14.0/24 at 192.168.32.214: no echo is answered

                """), text);
        assertTrue(text.contains("""
                peers      4: 4 by vxlan
                SUBNET              HOST             VIA      KERNEL    HEARD     LOSS  RTT      STATE
                10.1.13.0/24        192.168.32.213   vxlan    complete  3 s       50 %  12 ms
                    small packets get through, those of 1450 bytes do not: the underlay takes smaller packets than
                    its MTU says
                10.1.14.0/24        192.168.32.214   vxlan    no route  never     100 %
                    no echo is answered
                10.1.12.0/24        192.168.32.212   vxlan    complete  3 s       0 %   0.4 ms
                10.1.15.0/24        192.168.32.215   vxlan    complete

                """), text);
    }

    @Test
    void aStuckSessionIsToldAsStuck() {
        assertEquals("""
                flanneld 1.0.0, pid 4711, up 3 d 4 h: needs attention

                ! network blue: the session has not answered for 12 min: it waits for the kernel or a disk, or it
                  hangs; its packets flow on, changes are not followed. If this lasts, restart flanneld

                network    blue, unknown: its session does not answer

                memory     63 MiB resident; heap 5 MiB of 8 MiB, 64 MiB at most; 7 collections in 31 ms

                last events
                2026-11-22 10:00:00  I Lease acquired: 10.1.83.0/24
                2026-11-22 10:13:50  W Putting back the subnet file
                """, text(Samples.of(new Stuck("blue", Duration.ofMinutes(12)))));
    }

    @Test
    void tenThousandPeersAreSummedUp() {
        List<Peer> peers = Samples.peers(9_999);
        peers.add(5_000, new Peer("10.99.0.0/24", "192.168.99.1", "", false, "Ignoring non-vxlan subnet(10.99.0.0/24): type=host-gw"));
        Status status = Samples.of(Samples.vxlan(peers.toArray(Peer[]::new)));
        String text = text(status);
        assertTrue(text.contains("""
                peers      10 000: 9 999 by vxlan, 1 ignored
                SUBNET              HOST             VIA      STATE
                10.99.0.0/24        192.168.99.1              Ignoring non-vxlan subnet(10.99.0.0/24): type=host-gw
                           9 999 more: -peer=ADDRESS shows one, -problems those with problems, -json all
                """), text);
        assertTrue(text.lines().count() < 40, text);
        assertEquals("""
                flanneld 1.0.0, pid 4711, up 3 d 4 h: needs attention

                ! Ignoring non-vxlan subnet(10.99.0.0/24): type=host-gw

                peers      10 000: 9 999 by vxlan, 1 ignored
                SUBNET              HOST             VIA      STATE
                10.99.0.0/24        192.168.99.1              Ignoring non-vxlan subnet(10.99.0.0/24): type=host-gw
                """, text(status, "", true));
        for (String peer : List.of("192.168.7.9", "10.7.9.1", "10.7.9.0/24")) {
            assertEquals("""
                    flanneld 1.0.0, pid 4711, up 3 d 4 h: needs attention

                    ! Ignoring non-vxlan subnet(10.99.0.0/24): type=host-gw

                    peers      1 of 10 000 fit %s
                    SUBNET              HOST             VIA      STATE
                    10.7.9.0/24         192.168.7.9      vxlan
                    """.formatted(peer), text(status, peer, false));
        }
    }

    @Test
    void aFilterThatIsNoAddressIsRefused() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> PeerFilter.parse("node2")).getMessage().startsWith("\"node2\" is no"));
    }

    @Test
    void noLineIsWiderThanATerminalAndNothingSteersIt() {
        Known known = Samples.known("vxlan", List.of("\u001b[2Jx\nyz" + "w".repeat(300) + " " + "v ".repeat(200)), "",
                List.of(new Peer("\u001b]0;x" + "k".repeat(200), "192.168.32.212", "vxlan", true, "")), List.of(), List.of(), Map.of());
        String text = text(Samples.of(known));
        assertFalse(text.contains("\u001b"), text);
        assertTrue(text.contains("\\x1b[2Jx\n  yzw"), text);
        assertTrue(text.lines().allMatch(line -> line.length() <= 100), text);
    }

    @Test
    void onlyATerminalGetsColours() {
        Status status = Samples.of(Samples.troubled());
        String coloured = StatusText.render(status, new StatusText.View(PeerFilter.ALL, false, true, ZoneOffset.UTC));
        assertTrue(coloured.contains("\u001b[31m!\u001b[0m docker0"), coloured);
        assertEquals(text(status), coloured.replaceAll("\u001b\\[\\d+m", ""));
    }
}
