package flannel.lab.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What etcd's members show to those who speak TLS, and sign their tokens with: of an authority that can be replaced by a new one. (Without JUnit, unlike the tests' own.) */
final class Certificates {

    private final Path folder;
    private final String names;

    /** @param addresses of the servers */
    Certificates(Path folder, List<String> addresses) {
        this.folder = folder;
        names = String.join(",", addresses.stream().map(address -> "IP:" + address).toList());
        openssl("genrsa -out jwt.key 2048");
        openssl("rsa -in jwt.key -pubout -out jwt.pub");
        replace();
    }

    Path authority() {
        return folder.resolve("ca.crt");
    }

    /** Tokens that end after so many seconds. */
    String tokens(int seconds) {
        return "--auth-token=jwt,sign-method=RS256,pub-key=" + folder.resolve("jwt.pub") + ",priv-key=" + folder.resolve("jwt.key")
                + ",ttl=" + seconds + "s";
    }

    List<String> serverFlags() {
        return List.of("--cert-file=" + folder.resolve("server.crt"), "--key-file=" + folder.resolve("server.key"));
    }

    /** A new authority and a new certificate of the servers; the old ones are gone. */
    void replace() {
        openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt.new");
        openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout server.key.new -out server.csr");
        try {
            Files.writeString(folder.resolve("server.ext"), "subjectAltName=" + names + "\nextendedKeyUsage=serverAuth,clientAuth\n");
            openssl("x509 -req -in server.csr -CA ca.crt.new -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext"
                    + " -out server.crt.new");
            for (String name : List.of("ca.crt", "server.key", "server.crt")) {
                Files.move(folder.resolve(name + ".new"), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void openssl(String arguments) {
        try {
            Process process = new ProcessBuilder(("openssl " + arguments).split(" ")).directory(folder.toFile()).redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes());
            if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new AssertionError("openssl " + arguments + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }
}
