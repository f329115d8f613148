package flannel.lab;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A network namespace for a test, named {@code flt-<pid>-<number>-<role>}: commands and threads can be run inside, and it goes with all
 * its processes when it is closed. Those that a killed test run left behind go when the next one is created.
 */
public final class NetworkNamespace implements AutoCloseable {

    private static final Path DIRECTORY = Path.of("/run/netns");
    private static final String PREFIX = "flt-";
    private static final AtomicInteger NUMBER = new AtomicInteger();

    /** include/uapi/linux/sched.h. */
    private static final int CLONE_NEWNET = 0x40000000;

    private static final MethodHandle open$mh = function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle setns$mh = function("setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle close$mh = function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private final String name;

    private NetworkNamespace(String name) {
        this.name = name;
    }

    /** What a command wrote and how it ended. */
    public record Result(int exitCode, String output) {
    }

    /** Something to do inside; may fail. */
    public interface Body {
        void run() throws Exception;
    }

    /**
     * A new namespace with its loopback up. Tests use {@link Needs#namespace}, which skips them where this is not possible.
     *
     * @param role a short word for the name, as "node1"
     * @throws UnsupportedOperationException when there are none to be had (no root, no iproute2)
     */
    public static NetworkNamespace create(String role) {
        removeLeftovers();
        String name = PREFIX + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet() + "-" + role;
        Result made;
        try {
            made = execute(List.of("ip", "netns", "add", name));
        } catch (UncheckedIOException e) {
            made = new Result(127, e.getMessage());
        }
        if (made.exitCode != 0) {
            throw new UnsupportedOperationException("no network namespaces to be had here: " + made.output.strip());
        }
        NetworkNamespace namespace = new NetworkNamespace(name);
        namespace.run("ip", "link", "set", "lo", "up");
        return namespace;
    }

    /** Deletes every namespace that this process made and has not closed: for its end. */
    static void closeAll() {
        String ours = PREFIX + ProcessHandle.current().pid() + "-";
        execute(List.of("ip", "netns", "list")).output.lines().map(line -> line.split(" ")[0]).filter(name -> name.startsWith(ours))
                .forEach(NetworkNamespace::delete);
    }

    /** Joins this namespace and another by a veth pair; both ends are up. */
    public void connect(String device, NetworkNamespace other, String otherDevice) {
        run("ip", "link", "add", device, "type", "veth", "peer", "name", otherDevice, "netns", other.name);
        run("ip", "link", "set", device, "up");
        other.run("ip", "link", "set", otherDevice, "up");
    }

    /** Its name for {@code ip netns} and {@code ip -n}. */
    public String name() {
        return name;
    }

    /** Its file, for {@code nsenter --net=}. */
    public Path path() {
        return DIRECTORY.resolve(name);
    }

    /** Runs a command inside; what it wrote, standard error included. A failure fails the test. */
    public String run(String... command) {
        Result result = tryRun(command);
        if (result.exitCode != 0) {
            throw new AssertionError(String.join(" ", command) + " ended with " + result.exitCode + " in " + name + ": " + result.output);
        }
        return result.output;
    }

    /** Runs a command inside that may fail. */
    public Result tryRun(String... command) {
        return execute(inside(command));
    }

    /** A command to be started inside. It runs with the test's own /sys and /proc (unlike under {@code ip netns exec}). */
    public ProcessBuilder command(String... command) {
        return new ProcessBuilder(inside(command));
    }

    private List<String> inside(String... command) {
        List<String> words = new ArrayList<>(List.of("nsenter", "--net=" + path(), "--"));
        words.addAll(List.of(command));
        return words;
    }

    /** Runs a piece of the test on a platform thread inside, waits for it and hands on what it returned or threw. */
    public <T> T call(Callable<T> body) throws Exception {
        CompletableFuture<T> outcome = new CompletableFuture<>();
        start("inside " + name, () -> {
            try {
                outcome.complete(body.call());
            } catch (Throwable t) {
                outcome.completeExceptionally(t);
            }
        });
        try {
            return outcome.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case Exception thrown -> throw thrown;
                case Error thrown -> throw thrown;
                default -> throw e;
            }
        }
    }

    /** The same for a piece that returns nothing. */
    public void call(Body body) throws Exception {
        call(() -> {
            body.run();
            return null;
        });
    }

    /** Starts a daemon thread inside. Sockets that it opens and processes that it starts belong to the namespace. */
    public Thread start(String threadName, Runnable body) {
        return Thread.ofPlatform().daemon().name(threadName).start(() -> {
            enter();
            body.run();
        });
    }

    private void enter() {
        try (Arena arena = Arena.ofConfined()) {
            int fd = (int) open$mh.invokeExact(arena.allocateFrom(path().toString()), 0);
            int result = (int) setns$mh.invokeExact(fd, CLONE_NEWNET);
            int closed = (int) close$mh.invokeExact(fd);
            if (fd < 0 || result != 0 || closed != 0) {
                throw new AssertionError("setns " + path() + " failed");
            }
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static MethodHandle function(String symbol, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        MemorySegment address = linker.defaultLookup().find(symbol).orElseThrow();
        return symbol.equals("open")
                ? linker.downcallHandle(address, descriptor, Linker.Option.firstVariadicArg(2))
                : linker.downcallHandle(address, descriptor);
    }

    /** Kills what still runs inside and deletes it. */
    @Override
    public void close() {
        delete(name);
    }

    private static void delete(String name) {
        execute(List.of("ip", "netns", "pids", name)).output.lines()
                .filter(line -> line.matches("\\d+"))
                .map(Long::valueOf)
                .filter(pid -> pid != ProcessHandle.current().pid())
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .forEach(ProcessHandle::destroyForcibly);
        execute(List.of("ip", "netns", "delete", name));
    }

    private static void removeLeftovers() {
        if (!Files.isDirectory(DIRECTORY)) {
            return;
        }
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(DIRECTORY, PREFIX + "*")) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                String pid = name.split("-")[1];
                if (pid.matches("\\d{1,18}") && ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
                    delete(name);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Result execute(List<String> command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes());
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(String.join(" ", command) + " does not end");
            }
            return new Result(process.exitValue(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }
}
