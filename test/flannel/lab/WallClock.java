package flannel.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;

/**
 * A host's own wall clock. The kernel has one for all namespaces, so a program gets its own by a library of a few lines that stands before the C
 * library's, made by the machine's C compiler. The clock that deadlines go by is not shifted: it is asked for past that library, and no program
 * can set it.
 */
public final class WallClock {

    private static final Path COMPILER = Path.of("/usr/bin/cc");

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

    private final Host host;

    /** A host has one, however often it is asked for. */
    public WallClock(Host host) {
        this.host = host;
    }

    /** Whether there is a C compiler. */
    public static boolean isPossible() {
        return Files.isExecutable(COMPILER);
    }

    /** What a program has to have in its environment so that it goes by this clock once it has been {@link #set}. */
    public Map<String, String> environment() throws IOException, InterruptedException {
        return Map.of("LD_PRELOAD", library().toString(), "CLOCK_FILE", file().toString());
    }

    /** Sets it so far ahead of the others', for programs that run already too: the file that they have mapped is written in place. */
    public void set(Duration ahead) throws IOException {
        try (FileChannel file = FileChannel.open(file(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(ahead.toSeconds()).flip());
        }
    }

    private Path file() {
        return host.file("/run/clock");
    }

    private Path library() throws IOException, InterruptedException {
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
