package flannel.backend.aws;

import flannel.backend.Backend;
import flannel.backend.cloud.CloudBackend;
import flannel.backend.cloud.CloudHttp;
import flannel.backend.cloud.LeaseCheck;
import flannel.backend.cloud.RouteKeeper;
import flannel.files.SmallFiles;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The backend "aws-vpc". */
public final class AwsVpc {

    private static final int MOST_BUNDLE_BYTES = 4 << 20;

    private AwsVpc() {
    }

    /**
     * Starts the backend. Asks nothing of AWS yet: that is its thread's work.
     *
     * @param environment the process's
     * @param fatal       told when its thread has died
     * @throws IllegalArgumentException with one sentence when the configuration or the environment can't be used
     */
    public static Backend open(NetworkConfig config, Underlay underlay, Map<String, String> environment, LeaseCheck leases, Log log,
            Consumer<Throwable> fatal) {
        VpcConfig vpc = VpcConfig.of(config);
        CloudHttp http = new CloudHttp(environment, Set.of(URI.create(Metadata.base(environment)).getHost().replaceAll("[\\[\\]]", ""),
                ContainerRole.AGENT_IPV6), trust(environment));
        AwsSession session = new AwsSession(environment, Path.of(System.getProperty("user.home", "/root")), http, InstantSource.system(),
                underlay, config);
        RouteKeeper keeper = new RouteKeeper(new VpcRouteTables(session, vpc, log), config, leases, System::nanoTime,
                RandomGenerator.getDefault(), log);
        return CloudBackend.start(config, underlay, keeper, http, fatal);
    }

    /** The authorities of AWS_CA_BUNDLE, a PEM file; null for the JDK's. */
    static SSLContext trust(Map<String, String> environment) {
        String file = environment.getOrDefault("AWS_CA_BUNDLE", "").strip();
        if (file.isEmpty()) {
            return null;
        }
        try {
            InputStream in = new ByteArrayInputStream(SmallFiles.read(Path.of(file), MOST_BUNDLE_BYTES).getBytes(StandardCharsets.UTF_8));
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            for (Certificate authority : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + store.size(), authority);
            }
            if (store.size() == 0) {
                throw new IOException("it holds no certificate");
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, factory.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException | InvalidPathException e) {
            throw new IllegalArgumentException("AWS_CA_BUNDLE " + file + " can't be used: " + e.getMessage());
        }
    }
}
