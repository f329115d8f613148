package flannel.lab;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/** What tests ask before they start; where something is missing they are skipped with its name. */
public final class Needs {

    private Needs() {
    }

    /** A new network namespace. */
    public static NetworkNamespace namespace(String role) {
        try {
            return NetworkNamespace.create(role);
        } catch (UnsupportedOperationException e) {
            throw new TestAbortedException(e.getMessage());
        }
    }

    /** A lab with the built flanneld. */
    public static Lab lab(Store.Api api) throws IOException {
        programs();
        try {
            return new Lab(api, Lab.built());
        } catch (UnsupportedOperationException e) {
            throw new TestAbortedException(e.getMessage());
        }
    }

    /** What a lab is made of. */
    public static void programs() {
        for (String program : new String[] {"etcd", "ip", "nsenter", "bridge", "iptables", "ping", "sysctl"}) {
            assumeTrue(Stream.of("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
                    .anyMatch(folder -> Files.isExecutable(Path.of(folder, program))), program + " is not installed");
        }
        assumeTrue(Files.isExecutable(Lab.built()), Lab.built() + " is not there: ./build.sh makes it");
    }
}
