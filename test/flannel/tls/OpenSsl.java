package flannel.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Keys and certificates in a folder, NAME.key and NAME.crt, as openssl makes them. */
public final class OpenSsl {

    private static final String NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";

    private final Path folder;

    /** A test is skipped where there is no openssl. */
    public OpenSsl(Path folder) {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "openssl is not installed");
        this.folder = folder;
    }

    /** Runs it in the folder; a failure fails the test. */
    public void run(String arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments.split(" ")));
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> command + ": " + output);
    }

    /**
     * An authority, or whatever else signs itself.
     *
     * @param more further arguments
     */
    public void authority(String name, String... more) throws IOException, InterruptedException {
        run("req -x509 " + NEW_KEY + "-days 2 -subj /CN=" + name + " -keyout " + name + ".key -out " + name + ".crt" + String.join("", more));
    }

    /** One for 127.0.0.1, signed by an authority. */
    public void certificate(String name, String authority) throws IOException, InterruptedException {
        Files.writeString(folder.resolve("loopback.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
        run("req " + NEW_KEY + "-subj /CN=" + name + " -keyout " + name + ".key -out " + name + ".csr");
        sign(name, authority, "-days 2 -extfile loopback.ext");
    }

    /** A certificate of the request NAME.csr. */
    public void sign(String name, String authority, String more) throws IOException, InterruptedException {
        run("x509 -req -in " + name + ".csr -CA " + authority + ".crt -CAkey " + authority + ".key -CAcreateserial " + more + " -out " + name + ".crt");
    }
}
