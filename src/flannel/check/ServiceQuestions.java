package flannel.check;

import flannel.net.Ipv4Subnet;
import flannel.status.NetworkStatus;
import flannel.status.RunningDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Does the daemon run, will it after the next boot, and can it write what it has to? */
final class ServiceQuestions {

    private static final long LEAST_BYTES = 1 << 20;

    private ServiceQuestions() {
    }

    /** What it says of itself. */
    static List<Finding> daemon(Scene scene) {
        Map<Long, String> others = RunningDaemon.processes();
        if (scene.daemon() != null) {
            others.remove(scene.daemon().daemon().pid());
        }
        if (scene.daemon() == null) {
            return List.of(others.isEmpty() ? Finding.fail("daemon", scene.silence(),
                    "systemctl start flanneld; journalctl -u flanneld tells why it ended")
                    : Finding.fail("daemon", "a flanneld runs that does not answer at " + scene.setup().socket() + ": " + first(others),
                            "systemctl restart flanneld; if that is not it, stop that one: it is stopped, hangs, or is another program's (flannel's own has no such socket)"));
        }
        List<Finding> findings = new ArrayList<>();
        for (NetworkStatus network : scene.daemon().networks()) {
            if (network instanceof NetworkStatus.Stuck) {
                findings.add(Finding.fail("daemon", network.troubles().getFirst(), "systemctl restart flanneld"));
            }
        }
        if (findings.isEmpty()) {
            scene.daemon().troubles().forEach(trouble -> findings.add(Finding.warn("daemon", trouble, "journalctl -u flanneld; has what led to it")));
        }
        others.keySet().stream().limit(1).forEach(other -> findings.add(Finding.warn("daemon", "another flanneld runs here: " + first(others)
                + "; the two undo each other's work", "kill " + other + "; and have only one of them started")));
        return findings.isEmpty() ? List.of(Finding.ok("daemon", "flanneld " + scene.daemon().daemon().version() + ", pid "
                + scene.daemon().daemon().pid()
                + ", healthy")) : findings;
    }

    private static String first(Map<Long, String> processes) {
        Map.Entry<Long, String> first = processes.entrySet().iterator().next();
        return "pid " + first.getKey() + ": " + first.getValue();
    }

    /** Whether systemd will start it, and before Docker. */
    static List<Finding> unit(Scene scene) throws InterruptedException {
        if (!Files.isDirectory(Path.of("/run/systemd/system"))) {
            return List.of();
        }
        Ipv4Subnet subnet = Scene.subnetOf(scene.subnetFile());
        boolean fits = subnet == null || scene.link("docker0").filter(bridge -> scene.addresses().stream()
                .noneMatch(address -> address.index() == bridge.index() && subnet.contains(address.address()))).isEmpty();
        return unit(properties("flanneld"), properties("docker"), fits);
    }

    private static Map<String, String> properties(String unit) throws InterruptedException {
        return parse(Scene.PROGRAMS.answer("systemctl", "show", "-p", "LoadState,UnitFileState,ActiveState,ActiveEnterTimestampMonotonic",
                unit + ".service"));
    }

    static Map<String, String> parse(String shown) {
        Map<String, String> properties = new HashMap<>();
        shown.lines().filter(line -> line.contains("=")).forEach(line ->
                properties.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
        return properties;
    }

    /**
     * Of what {@code systemctl show} tells of the two.
     *
     * @param fits whether docker0, if there is one, has an address of the lease: then Docker need not care who was first
     */
    static List<Finding> unit(Map<String, String> flanneld, Map<String, String> docker, boolean fits) {
        if (!"loaded".equals(flanneld.get("LoadState"))) {
            return List.of(); // somebody runs it in another way
        }
        List<Finding> findings = new ArrayList<>();
        if ("disabled".equals(flanneld.get("UnitFileState"))) {
            findings.add(Finding.warn("unit", "flanneld.service is disabled: it does not start with the host", "systemctl enable flanneld"));
        }
        if ("active".equals(flanneld.get("ActiveState")) && "active".equals(docker.get("ActiveState")) && since(docker) < since(flanneld) && !fits) {
            findings.add(Finding.warn("unit", "Docker was started before flanneld: it may have another subnet", "systemctl restart docker"));
        }
        return findings.isEmpty() ? List.of(Finding.ok("unit", "flanneld.service is enabled")) : findings;
    }

    private static long since(Map<String, String> unit) {
        String text = unit.getOrDefault("ActiveEnterTimestampMonotonic", "0");
        return text.matches("\\d{1,18}") ? Long.parseLong(text) : 0;
    }

    /** The file that Docker's start reads. */
    static List<Finding> subnetFile(Scene scene) {
        Path path = scene.setup().subnetFile();
        if (scene.subnetFile() == null) {
            return List.of(Finding.fail("subnet file", "there is no " + path + ", from which Docker's options are made",
                    "systemctl restart flanneld; it writes it"));
        }
        Ipv4Subnet told = Scene.subnetOf(scene.subnetFile());
        Ipv4Subnet own = scene.network() != null && scene.network().lease() != null ? Ipv4Subnet.parse(scene.network().lease().subnet())
                : scene.own() == null ? null : scene.own().subnet();
        if (told == null) {
            return List.of(Finding.fail("subnet file", path + " names no subnet", "systemctl restart flanneld; it writes it anew"));
        }
        String docker = Scene.read(path.resolveSibling("docker"));
        if ((own == null || told.equals(own)) && docker != null && docker.contains("--bip=") && !docker.contains("--bip="
                + told.base().plus(1) + "/")) {
            return List.of(Finding.fail("subnet file", path.resolveSibling("docker")
                    + ", from which docker.service takes its options, has another subnet than " + told,
                    "systemctl restart flanneld; it writes it anew"));
        }
        return List.of(own == null || told.equals(own) ? Finding.ok("subnet file", path + " says " + told)
                : Finding.fail("subnet file", path + " says " + told + ", the lease is " + own,
                "systemctl restart flanneld && systemctl restart docker"));
    }

    /** Room for what has to be written. */
    static List<Finding> room(Scene scene) throws InterruptedException {
        List<Finding> findings = new ArrayList<>();
        for (Path folder : List.of(scene.setup().subnetFile().toAbsolutePath().getParent(), scene.setup().stateDirectory().toAbsolutePath())) {
            try {
                Path there = folder;
                while (there != null && !Files.exists(there)) {
                    there = there.getParent();
                }
                if (there != null && Files.getFileStore(there).isReadOnly()) {
                    findings.add(Finding.fail("disk", "the file system of " + folder + " is read-only", "mount -o remount,rw " + top(there)));
                } else if (there != null && Files.getFileStore(there).getUsableSpace() < LEAST_BYTES) {
                    findings.add(Finding.fail("disk", "the file system of " + folder + " is full", "df -h " + folder + "; make room there"));
                } else if (there != null && Scene.PROGRAMS.answer("stat", "-f", "-c", "%c %d", there.toString()).strip().matches("[1-9]\\d* 0")) {
                    findings.add(Finding.fail("disk", "the file system of " + folder + " has no inodes left", "df -i " + folder
                            + "; remove files there"));
                }
            } catch (IOException e) {
                findings.add(Finding.warn("disk", folder + ": " + e.getMessage(), ""));
            }
        }
        return findings;
    }

    /** Where a folder's file system is mounted. */
    private static Path top(Path folder) throws IOException {
        Path top = folder;
        while (top.getParent() != null && Files.getFileStore(top.getParent()).equals(Files.getFileStore(folder))) {
            top = top.getParent();
        }
        return top;
    }
}
