package flannel.etcd;

import flannel.log.Log;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** The certificates of {@code -etcd-cafile}, {@code -etcd-certfile} and {@code -etcd-keyfile}; read again when a file has changed. */
final class Tls {

    private static final char[] NO_PASSWORD = new char[0];

    private final String cafile;
    private final String certfile;
    private final String keyfile;
    private final Log log;
    private List<FileTime> readAt;
    private SSLContext context;

    private Tls(String cafile, String certfile, String keyfile, Log log) {
        this.cafile = cafile;
        this.certfile = certfile;
        this.keyfile = keyfile;
        this.log = log;
    }

    /**
     * Reads the files; null when none is given.
     *
     * @throws IllegalArgumentException with a sentence when a file can't be used
     */
    static Tls read(EtcdOptions options, Log log) {
        if (options.cafile().isEmpty() && options.certfile().isEmpty() && options.keyfile().isEmpty()) {
            return null;
        }
        if (options.certfile().isEmpty() != options.keyfile().isEmpty()) {
            throw new IllegalArgumentException("-etcd-certfile and -etcd-keyfile are needed both");
        }
        Tls tls = new Tls(options.cafile(), options.certfile(), options.keyfile(), log);
        tls.readAt = tls.times();
        tls.context = tls.build();
        return tls;
    }

    SSLContext context() {
        return context;
    }

    /** Reads the files again if they have changed; true when there is a new context. Files that make no sense are passed over. */
    boolean reload() {
        List<FileTime> now = times();
        if (now.equals(readAt)) {
            return false;
        }
        readAt = now;
        try {
            context = build();
            log.info("etcd certificates read again: they have changed");
            return true;
        } catch (IllegalArgumentException e) {
            log.warning("keeping the etcd certificates read before: " + e.getMessage());
            return false;
        }
    }

    private List<FileTime> times() {
        List<FileTime> times = new ArrayList<>();
        for (String file : List.of(cafile, certfile, keyfile)) {
            try {
                times.add(file.isEmpty() ? FileTime.fromMillis(0) : Files.getLastModifiedTime(Path.of(file)));
            } catch (IOException e) {
                times.add(FileTime.fromMillis(-1));
            }
        }
        return times;
    }

    private SSLContext build() {
        try {
            SSLContext built = SSLContext.getInstance("TLS");
            built.init(certfile.isEmpty() ? null : keyManagers(), cafile.isEmpty() ? null : trustManagers(), null);
            return built;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("the etcd certificates can't be used: " + e.getMessage(), e);
        }
    }

    private KeyManager[] keyManagers() throws GeneralSecurityException {
        List<Certificate> chain = Pem.certificates(certfile);
        PrivateKey key = Pem.privateKey(keyfile);
        if (!key.getAlgorithm().equals(chain.getFirst().getPublicKey().getAlgorithm())) {
            throw new IllegalArgumentException("the key in " + keyfile + " does not belong to the certificate in " + certfile);
        }
        KeyStore store = emptyStore();
        store.setKeyEntry("client", key, NO_PASSWORD, chain.toArray(Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private TrustManager[] trustManagers() throws GeneralSecurityException {
        KeyStore store = emptyStore();
        for (Certificate authority : Pem.certificates(cafile)) {
            store.setCertificateEntry("ca" + store.size(), authority);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try {
            store.load(null, null);
        } catch (IOException e) {
            throw new GeneralSecurityException(e);
        }
        return store;
    }

    /** A failed handshake in the words of an operator. */
    static String reason(SSLException e) {
        String message = e.getMessage() == null ? "handshake failed" : e.getMessage();
        if (message.contains("PKIX path") || message.contains("trustAnchors")) {
            return "the server's certificate is not signed by a known authority (-etcd-cafile)";
        }
        if (message.contains("bad_certificate") || message.contains("certificate_required") || message.contains("certificate required")) {
            return "the server wants another client certificate (-etcd-certfile, -etcd-keyfile): " + message;
        }
        if (message.contains("plaintext connection")) {
            return "the server does not speak TLS there: use http instead of https";
        }
        // the JDK puts the alert's name in front: "(certificate_unknown) No name matching etcd1 found"
        String plain = message.replaceFirst("^\\([a-z_]+\\) ", "");
        return (plain.startsWith("No ") ? "the server's certificate is for another name: " : "TLS: ") + plain;
    }
}
