package flannel.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flanneld-start}: from the variables of /etc/sysconfig/flanneld, of all ages, to the daemon's command line. */
class StartScriptTest {

    @TempDir
    Path folder;

    /** Runs the script with a program in the daemon's place that tells its arguments and its variables of Java's. */
    private List<String> started(Map<String, String> variables, String... arguments) throws IOException {
        Path daemon = Files.writeString(folder.resolve("flanneld"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\nenv | grep JAVA\ntrue\n");
        Path script = Files.writeString(folder.resolve("start"), Files.readString(Path.of("etc/flanneld-start")).replace("/usr/bin/flanneld", daemon.toString()));
        daemon.toFile().setExecutable(true);
        List<String> command = new ArrayList<>(List.of("env", "-i"));
        variables.forEach((name, value) -> command.add(name + "=" + value));
        command.addAll(List.of("/bin/sh", script.toString()));
        command.addAll(List.of(arguments));
        return Shell.run(folder, Map.of(), command).succeeded().lines().toList();
    }

    @Test
    void passesEndpointsAndPrefixAndThenTheOptions() throws IOException {
        assertEquals(List.of("-etcd-endpoints=http://a:2379,http://b:2379", "-etcd-prefix=/atomic.io/network", "-iface=eth1", "-etcd-prefix=/other"),
                started(Map.of("FLANNEL_ETCD_ENDPOINTS", "http://a:2379,http://b:2379", "FLANNEL_ETCD_PREFIX", "/atomic.io/network"),
                        "-iface=eth1", "-etcd-prefix=/other"));
    }

    @Test
    void takesTheOlderNamesWhereTheNewerAreNotSet() throws IOException {
        assertEquals(List.of("-etcd-endpoints=http://old:4001", "-etcd-prefix=/old"),
                started(Map.of("FLANNEL_ETCD", "http://old:4001", "FLANNEL_ETCD_KEY", "/old")));
        assertEquals(List.of("-etcd-endpoints=http://new:2379", "-etcd-prefix=/new"),
                started(Map.of("FLANNEL_ETCD", "http://old:4001", "FLANNEL_ETCD_KEY", "/old",
                        "FLANNEL_ETCD_ENDPOINTS", "http://new:2379", "FLANNEL_ETCD_PREFIX", "/new")));
    }

    @Test
    void keepsOtherProgramsJavaOptionsFromTheDaemon() throws IOException {
        assertEquals(List.of("-etcd-endpoints=", "-etcd-prefix="),
                started(Map.of("JAVA_TOOL_OPTIONS", "-Xmx1g", "_JAVA_OPTIONS", "-Xmx1g", "JDK_JAVA_OPTIONS", "-Xmx1g")));
    }
}
