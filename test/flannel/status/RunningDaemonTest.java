package flannel.status;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunningDaemonTest {

    @ParameterizedTest
    @CsvSource({
        "flanneld, true",
        "/usr/bin/flanneld -iface=eth1, true",
        "flanneld @/etc/jvm.options -p flanneld.jar -m flannel -etcd-prefix /n, true",
        "/opt/bin/flanneld --etcd-endpoints http://192.168.32.213:2379, true",
        "flanneld status, false",
        "flanneld @/etc/jvm.options -p flanneld.jar -m flannel check -json, false",
        "flanneld -listen=:8888 -store=/var/lib/flannel/store, false",
        "/usr/bin/flanneld --listen :8888, false",
        "/usr/bin/vi flanneld, false",
        "'', false"})
    void aServerAndACommandAreNone(String commandLine, boolean daemon) {
        assertEquals(daemon, RunningDaemon.isDaemon(List.of(commandLine.split(" "))));
    }
}
