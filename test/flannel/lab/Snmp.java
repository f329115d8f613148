package flannel.lab;

import java.util.List;

/** The kernel's protocol counters in a namespace: /proc/net/snmp, a line of names and a line of values each. */
final class Snmp {

    private Snmp() {
    }

    static long read(NetworkNamespace namespace, String protocol, String counter) {
        List<String[]> lines = namespace.run("cat", "/proc/net/snmp").lines().filter(line -> line.startsWith(protocol + ":"))
                .map(line -> line.split(" ")).toList();
        int index = List.of(lines.get(0)).indexOf(counter);
        return Long.parseLong(lines.get(1)[index]);
    }
}
