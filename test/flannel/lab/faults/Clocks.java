package flannel.lab.faults;

import flannel.lab.Host;
import flannel.lab.faults.Fault.Touches;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Hosts whose clock is set. The kernel has one wall clock for all namespaces, so the daemon gets its own by a library of a few lines that
 * stands before the C library's, made by the machine's C compiler. The clock that deadlines go by is not shifted: it is
 * asked for past that library, and no program can set it.
 */
final class Clocks {

    private static final Path COMPILER = Path.of("/usr/bin/cc");
    private static final Duration AHEAD = Duration.ofHours(50);     // two lives of a lease
    private static final Duration BACK = Duration.ofDays(-400);

    private static final String LIBRARY = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <fcntl.h>
            #include <pthread.h>
            #include <stdint.h>
            #include <stdlib.h>
            #include <sys/mman.h>
            #include <time.h>

            static const volatile int64_t *ahead_seconds;

            __attribute__((constructor)) static void map(void) {
                const char *file = getenv("CLOCK_FILE");
                void *mapped = file ? mmap(0, sizeof(int64_t), PROT_READ, MAP_SHARED, open(file, O_RDONLY | O_CLOEXEC), 0) : MAP_FAILED;
                ahead_seconds = mapped == MAP_FAILED ? 0 : mapped;
            }

            int clock_gettime(clockid_t clock, struct timespec *time) {
                static int (*real)(clockid_t, struct timespec *);
                if (!real) {
                    real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
                }
                int result = real(clock, time);
                if (clock == CLOCK_REALTIME && ahead_seconds) {
                    time->tv_sec += *ahead_seconds;
                }
                return result;
            }

            /* Until a time of day, as idle workers of a pool wait: the kernel's own one. Other waits are by the time since the boot. */
            int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
                static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
                if (!real) {
                    real = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *)) dlsym(RTLD_NEXT, "pthread_cond_timedwait");
                }
                struct timespec kernels = *until;
                if (kernels.tv_sec > 1000000000 && ahead_seconds) {
                    kernels.tv_sec -= *ahead_seconds;
                }
                return real(condition, mutex, &kernels);
            }
            """;

    private Clocks() {
    }

    /** The daemon runs on with the clock of long ago, until another fault ends it. */
    static List<Fault> all() {
        return !Files.isExecutable(COMPILER) ? List.of() : List.of(
                new Fault("clock jumps ahead, and far back", Touches.THE_DAEMON, 15, scene -> {
                    Host host = scene.a();
                    set(host, Duration.ZERO);
                    host.daemon().terminate();
                    Map<String, String> environment = Map.of("LD_PRELOAD", library(host).toString(), "CLOCK_FILE", file(host).toString());
                    host.start(scene.cluster().options(), environment).awaitReady();
                    set(host, AHEAD);
                    Canary.awaitFollowed(scene.cluster());
                }, scene -> set(scene.a(), BACK)));
    }

    private static Path file(Host host) {
        return host.file("/run/clock");
    }

    /** Written in place: the daemon has the file mapped. */
    private static void set(Host host, Duration ahead) throws IOException {
        try (FileChannel file = FileChannel.open(file(host), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(ahead.toSeconds()).flip());
        }
    }

    private static Path library(Host host) throws IOException, InterruptedException {
        Path library = host.file("/run/clock.so");
        if (Files.notExists(library)) {
            Path source = host.file("/run/clock.c");
            Files.writeString(source, LIBRARY);
            Process compiler = new ProcessBuilder(COMPILER.toString(), "-shared", "-fPIC", "-o", library.toString(), source.toString(),
                    "-ldl").redirectErrorStream(true).start();
            String output = new String(compiler.getInputStream().readAllBytes());
            if (compiler.waitFor() != 0) {
                throw new IOException("the clock's library can't be compiled: " + output);
            }
        }
        return library;
    }
}
