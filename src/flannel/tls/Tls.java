package flannel.tls;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.log.Log;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** The certificates of {@code -etcd-cafile}, {@code -etcd-certfile} and {@code -etcd-keyfile} and their like; read again when changed. */
public final class Tls {

    /**
     * What the options name.
     *
     * @param family      what the options' names begin with: "etcd", "remote"
     * @param peer        who is at the other end, for messages: "etcd"
     * @param cafile      PEM file of the authorities that sign the other end's certificates; empty for none, as the others
     * @param certfile    PEM file of the own certificate and its chain
     * @param keyfile     PEM file of the own private key
     */
    public record Options(String family, String peer, String cafile, String certfile, String keyfile) {

        /** @throws IllegalArgumentException with a sentence when one of two is given that need each other */
        public void check() {
            if (certfile.isEmpty() != keyfile.isEmpty()) {
                throw new IllegalArgumentException("-" + family + "-certfile and -" + family + "-keyfile are needed both");
            }
        }

        public boolean isEmpty() {
            return cafile.isEmpty() && certfile.isEmpty() && keyfile.isEmpty();
        }
    }

    private static final char[] NO_PASSWORD = new char[0];

    /** With which a server says that it does not like the client's certificate (RFC 8446, 6.2), or that there is none. */
    private static final List<String> CLIENT_CERTIFICATE_ALERTS = List.of("bad_certificate", "unsupported_certificate",
            "certificate_revoked", "certificate_expired", "certificate_unknown", "unknown_ca", "certificate_required", "decrypt_error");

    /** A system's whole bundle of authorities has a quarter of that. */
    private static final int MAX_BYTES = 1 << 20;

    /**
     * Where a certificate or key is.
     *
     * @param name as the operator knows it: "-etcd-cafile"
     * @param file PEM file, which is read again when it has changed; null for none
     * @param pem  the text itself; null for none
     */
    public record Source(String name, Path file, String pem) {

        private static Source ofOption(String option, String text) {
            return new Source("-" + option, text.isEmpty() ? null : SmallFiles.path(option, text), null);
        }

        private boolean isGiven() {
            return file != null || pem != null;
        }

        private <T> T read(BiFunction<String, String, T> reader) {
            try {
                return file == null ? reader.apply("it", pem) : reader.apply(file.toString(), SmallFiles.read(file, MAX_BYTES));
            } catch (IllegalArgumentException | FileException e) {
                throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
            }
        }

        private FileTime changed() {
            try {
                return file == null ? FileTime.fromMillis(0) : Files.getLastModifiedTime(file);
            } catch (IOException e) {
                return FileTime.fromMillis(-1);
            }
        }

        /** As it stands in a sentence. */
        private String place() {
            return file == null ? name : file + " (" + name + ")";
        }

        /** Without the text, which may be a key. */
        @Override
        public String toString() {
            return place();
        }
    }

    private final String peer;
    private final Source ca;
    private final Source certificate;
    private final Source key;
    private final Log log;
    private List<FileTime> readAt;
    private volatile SSLContext context;

    private Tls(String peer, Source ca, Source certificate, Source key, Log log) {
        this.peer = peer;
        this.ca = ca;
        this.certificate = certificate;
        this.key = key;
        this.log = log;
        this.readAt = times();
        this.context = build();
    }

    /**
     * Reads the files; null when none is given.
     *
     * @throws IllegalArgumentException with a sentence when a file can't be used
     */
    public static Tls read(Options options, Log log) {
        options.check();
        return read(options.peer(), Source.ofOption(options.family() + "-cafile", options.cafile()),
                Source.ofOption(options.family() + "-certfile", options.certfile()),
                Source.ofOption(options.family() + "-keyfile", options.keyfile()), log);
    }

    /**
     * Reads what is given; null when nothing is. A certificate wants its key.
     *
     * @param peer who is at the other end, for messages
     * @throws IllegalArgumentException with a sentence when a source can't be used
     */
    public static Tls read(String peer, Source ca, Source certificate, Source key, Log log) {
        return ca.isGiven() || key.isGiven() ? new Tls(peer, ca, certificate, key, log) : null;
    }

    public SSLContext context() {
        return context;
    }

    /** Reads the files again if they have changed; true when there is a new context. Files that make no sense are passed over. */
    public boolean reload() {
        List<FileTime> now = times();
        if (now.equals(readAt)) {
            return false;
        }
        readAt = now;
        try {
            context = build();
            log.info(peer + " certificates read again: they have changed");
            return true;
        } catch (IllegalArgumentException e) {
            log.warning("keeping the " + peer + " certificates read before: " + e.getMessage());
            return false;
        }
    }

    private List<FileTime> times() {
        return Stream.of(ca, certificate, key).map(Source::changed).toList();
    }

    private SSLContext build() {
        try {
            SSLContext built = SSLContext.getInstance("TLS");
            built.init(key.isGiven() ? keyManagers() : null, ca.isGiven() ? trustManagers() : null, null);
            return built;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("the " + peer + " certificates can't be used: " + e.getMessage(), e);
        }
    }

    private KeyManager[] keyManagers() throws GeneralSecurityException {
        List<X509Certificate> chain = certificate.read(Pem::certificates);
        PrivateKey privateKey = key.read(Pem::privateKey);
        X509Certificate own = chain.getFirst();
        if (!fits(privateKey, own.getPublicKey())) {
            throw new IllegalArgumentException("the key in " + key.place() + " does not belong to the certificate in " + certificate.place());
        }
        if (own.getNotAfter().toInstant().isBefore(Instant.now())) {
            log.warning("the certificate in " + certificate.place() + " has expired at "
                    + own.getNotAfter().toInstant() + ": " + peer + " will refuse it");
        }
        KeyStore store = emptyStore();
        store.setKeyEntry("own", privateKey, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    /** True when the one verifies what the other signs. */
    private static boolean fits(PrivateKey privateKey, PublicKey publicKey) {
        try {
            Signature signature = Signature.getInstance(switch (privateKey.getAlgorithm()) {
                case "RSA" -> "SHA256withRSA";
                case "EC" -> "SHA256withECDSA";
                default -> privateKey.getAlgorithm();
            });
            signature.initSign(privateKey);
            byte[] signed = signature.sign();
            signature.initVerify(publicKey);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private TrustManager[] trustManagers() throws GeneralSecurityException {
        KeyStore store = emptyStore();
        for (X509Certificate authority : ca.read(Pem::certificates)) {
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

    /**
     * A failed handshake of a client in the words of an operator.
     *
     * @param family see {@link Options}, and so for the peer
     */
    public static String reason(SSLException e, String family, String peer) {
        return reason(e, "-" + family + "-cafile", "-" + family + "-certfile, -" + family + "-keyfile", peer);
    }

    /**
     * The same for whom no options name the files.
     *
     * @param ca  where the authorities are
     * @param own where the own certificate and key are
     */
    public static String reason(SSLException e, String ca, String own, String peer) {
        // the JDK puts the alert's name in front: "(certificate_unknown) No name matching etcd1 found"
        String message = (e.getMessage() == null ? "handshake failed" : e.getMessage()).replaceAll("\\s+", " ").strip()
                .replaceFirst("^\\([a-z_]+\\) ", "");
        // the JDK's "NotAfter: Tue Nov 24 10:00:00 UTC 2026" and "NotBefore: …"
        CertificateExpiredException expired = cause(e, CertificateExpiredException.class);
        if (expired != null) {
            return "the server's certificate has expired (" + expired.getMessage() + "), or this host's clock is wrong";
        }
        CertificateNotYetValidException early = cause(e, CertificateNotYetValidException.class);
        if (early != null) {
            return "the server's certificate is not valid yet (" + early.getMessage() + "), or this host's clock is wrong";
        }
        if (message.contains("PKIX path") || message.contains("trustAnchors")) {
            return "the server's certificate is not signed by a known authority (" + ca + ")";
        }
        if (message.startsWith("Received fatal alert: ") && CLIENT_CERTIFICATE_ALERTS.stream().anyMatch(message::endsWith)) {
            return "the server wants another client certificate (" + own + "): " + message;
        }
        if (message.contains("plaintext connection") || message.contains("unrecognized SSL message")) {
            return "the server does not speak TLS there: name it http:// instead of https://";
        }
        if (message.equals("Remote host terminated the handshake")) {
            // what an etcd without TLS does
            return "the server ended the TLS handshake at once (if this " + peer + " is without TLS, name it http://)";
        }
        return message.startsWith("No ") ? "the server's certificate is for another name: " + message + " (name it as its certificate does)"
                : "TLS: " + message;
    }

    /** The first of that type among an exception and its causes; null when there is none. */
    private static <T extends Throwable> T cause(Throwable e, Class<T> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }
}
