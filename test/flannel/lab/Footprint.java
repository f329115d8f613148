package flannel.lab;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a daemon's process has open at a moment.
 *
 * @param threads     how many there are of each, virtual ones too: by their names, or else by what they run
 * @param descriptors how many there are of each kind
 */
record Footprint(Map<String, Integer> threads, Map<String, Integer> descriptors) {

    /** As jcmd writes it: a line with the name, and what it runs, the beginning last. */
    private static final Pattern THREAD = Pattern.compile("(?m)^#\\d+ \"(.*?)\".*\\n((?: +\\S.*\\n)*)");

    /** The pool's and the collector's own, as many as there is work for. */
    private static final Pattern SHARED = Pattern.compile("ForkJoinPool.*|HttpClient-.*|VirtualThread-unparker.*|Attach Listener|.*Cleaner|process reaper|");

    private static final int POOLED = 4;

    /** Whether another moment has no more than this one; of sockets some wait in a pool for whoever comes next, and then for their end. */
    boolean covers(Footprint other) {
        return other.threads.entrySet().stream().allMatch(each -> each.getValue() <= threads.getOrDefault(each.getKey(), 0))
                && other.descriptors.entrySet().stream().allMatch(each -> each.getValue() <= descriptors.getOrDefault(each.getKey(), 0)
                        + (each.getKey().equals("socket") ? POOLED : 0));
    }

    static Footprint of(Daemon daemon) throws IOException, InterruptedException {
        Map<String, Integer> threads = new TreeMap<>();
        Path file = Files.createTempFile("threads", ".txt");
        try {
            Process jcmd = new ProcessBuilder(System.getProperty("java.home") + "/bin/jcmd", Long.toString(daemon.pid()), "Thread.dump_to_file", "-overwrite",
                    file.toString()).redirectErrorStream(true).start();
            String said = new String(jcmd.getInputStream().readAllBytes());
            if (jcmd.waitFor() != 0) {
                throw new IOException(said);
            }
            for (Matcher each = THREAD.matcher(Files.readString(file)); each.find();) {
                String name = each.group(1).isEmpty() ? each.group(2).lines().filter(line -> line.contains("flannel.")).reduce("", (former, last) -> last).strip()
                        : each.group(1);
                if (!SHARED.matcher(name).matches()) {
                    threads.merge(name, 1, Integer::sum);
                }
            }
        } finally {
            Files.delete(file);
        }
        Map<String, Integer> descriptors = new TreeMap<>();
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/" + daemon.pid() + "/fd"))) {
            for (Path descriptor : open) {
                try {
                    descriptors.merge(Files.readSymbolicLink(descriptor).toString().replaceFirst(":\\[\\d+]$", ""), 1, Integer::sum);
                } catch (IOException e) {
                    // closed since
                }
            }
        }
        return new Footprint(threads, descriptors);
    }
}
