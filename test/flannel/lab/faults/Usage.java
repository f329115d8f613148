package flannel.lab.faults;

import flannel.lab.Daemon;
import flannel.lab.Host;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** What a daemon's process holds. */
record Usage(int threads, int files, long residentKib, long heapKib) {

    /** What the same daemon may have more of later: threads of requests, connections, what the compilers leave; of the heap, hardly anything. */
    private static final Usage MORE = new Usage(8, 12, 48 << 10, 4 << 10);

    /** A generation's line. */
    private static final Pattern HEAP_PART = Pattern.compile("total \\d+K, used (\\d+)K");

    /** Now; the heap is left out, as zero, since it takes a collection to tell what is in use. */
    static Usage of(Daemon daemon) throws IOException {
        Path process = Path.of("/proc", Long.toString(daemon.pid()));
        return new Usage(process.resolve("task").toFile().list().length, process.resolve("fd").toFile().list().length,
                daemon.residentKib(), 0);
    }

    /** With the heap after a collection, by the JDK's jcmd. */
    static Usage ofAll(Host host) throws IOException, InterruptedException {
        Usage usage = of(host.daemon());                // asking leaves a thread there
        jcmd(host, "GC.run");
        long heapKib = HEAP_PART.matcher(jcmd(host, "GC.heap_info")).results().mapToLong(part -> Long.parseLong(part.group(1))).sum();
        return new Usage(usage.threads, usage.files, usage.residentKib, heapKib);
    }

    private static String jcmd(Host host, String command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(host.daemon().pid()), command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new AssertionError("jcmd " + command + " of the daemon of " + host.address() + ": " + output);
        }
        return output;
    }

    /** Whether it holds so much more than before that it would hold everything one day. */
    boolean hasGrownFrom(Usage before) {
        return threads > before.threads + MORE.threads || files > before.files + MORE.files
                || residentKib > before.residentKib + MORE.residentKib
                || heapKib > before.heapKib + MORE.heapKib;
    }

    /** The larger of each. */
    Usage most(Usage other) {
        return new Usage(Math.max(threads, other.threads), Math.max(files, other.files), Math.max(residentKib, other.residentKib),
                Math.max(heapKib, other.heapKib));
    }

    Usage minus(Usage before) {
        return new Usage(threads - before.threads, files - before.files, residentKib - before.residentKib, heapKib - before.heapKib);
    }

    @Override
    public String toString() {
        return threads + " threads, " + files + " files, " + residentKib / 1024 + " MiB resident, " + heapKib + " KiB of the heap";
    }
}
