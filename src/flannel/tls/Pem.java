package flannel.tls;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;

/**
 * Certificates and keys in PEM (RFC 7468). The JDK reads private keys in PKCS#8 only; the older forms, PKCS#1 for RSA (RFC 8017) and
 * SEC1 for elliptic curves (RFC 5915), are wrapped into it.
 */
final class Pem {

    /** AlgorithmIdentifier of rsaEncryption with NULL parameters. */
    private static final byte[] RSA = {0x30, 13, 6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 13, 1, 1, 1, 5, 0};

    /** Object identifier id-ecPublicKey. */
    private static final byte[] EC_PUBLIC_KEY = {6, 7, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

    private static final byte[] VERSION_0 = {2, 1, 0};

    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 4;

    /** Tag of ECPrivateKey's parameters, which name the curve. */
    private static final int PARAMETERS = 0xA0;

    private Pem() {
    }

    /**
     * All certificates of a text, in its order.
     *
     * @param place where the text is from, as it stands in a sentence
     * @throws IllegalArgumentException with a sentence that names the place
     */
    static List<X509Certificate> certificates(String place, String text) {
        List<X509Certificate> certificates = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (byte[] der : blocks(place, text, "CERTIFICATE")) {
                certificates.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
            }
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("a certificate in " + place + " can't be read: " + e.getMessage(), e);
        }
        if (certificates.isEmpty()) {
            throw holdsNo("certificate", place, text, "a private key", "PRIVATE KEY");
        }
        return certificates;
    }

    /**
     * The private key of a text: PKCS#8, PKCS#1 or SEC1, not encrypted.
     *
     * @param place where the text is from, as it stands in a sentence
     * @throws IllegalArgumentException with a sentence that names the place
     */
    static PrivateKey privateKey(String place, String text) {
        if (text.contains("ENCRYPTED")) {
            throw new IllegalArgumentException("the key in " + place + " is encrypted: flanneld needs it without a passphrase");
        }
        try {
            for (byte[] der : blocks(place, text, "PRIVATE KEY")) {
                return decode(der);
            }
            for (byte[] der : blocks(place, text, "RSA PRIVATE KEY")) {
                return decode(pkcs8(RSA, der));
            }
            for (byte[] der : blocks(place, text, "EC PRIVATE KEY")) {
                return decode(pkcs8(element(SEQUENCE, EC_PUBLIC_KEY, curve(der)), der));
            }
        } catch (GeneralSecurityException | IndexOutOfBoundsException e) {
            throw new IllegalArgumentException("the key in " + place + " can't be read", e);
        }
        throw holdsNo("private key", place, text, "a certificate", "CERTIFICATE");
    }

    /** The likeliest reason is that two files were swapped. */
    private static IllegalArgumentException holdsNo(String wanted, String place, String text, String other, String label) {
        return new IllegalArgumentException(place + " holds no PEM " + wanted + (text.contains(label + "-----") ? ", but " + other : ""));
    }

    private static List<byte[]> blocks(String place, String text, String label) {
        String begin = "-----BEGIN " + label + "-----";
        String end = "-----END " + label + "-----";
        List<byte[]> blocks = new ArrayList<>();
        int next = text.indexOf(begin);
        while (next >= 0) {
            int from = next + begin.length();
            int to = text.indexOf(end, from);
            next = text.indexOf(begin, from);
            if (to < 0 || next >= 0 && next < to) {
                throw new IllegalArgumentException(place + (to < 0 ? " ends within a PEM block" : " holds a PEM block that another one begins in"));
            }
            try {
                blocks.add(Base64.getMimeDecoder().decode(text.substring(from, to)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(place + " holds a PEM block that is not base64", e);
            }
        }
        return blocks;
    }

    /** Tries the kinds of key there are: the JDK wants to be told. */
    private static PrivateKey decode(byte[] pkcs8) throws GeneralSecurityException {
        InvalidKeySpecException failure = null;
        for (String algorithm : List.of("RSA", "EC", "Ed25519")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            } catch (InvalidKeySpecException e) {
                failure = e;
            }
        }
        throw failure;
    }

    /** PrivateKeyInfo (RFC 5208) around an older form. */
    private static byte[] pkcs8(byte[] algorithm, byte[] key) {
        return element(SEQUENCE, VERSION_0, algorithm, element(OCTET_STRING, key));
    }

    /** The curve's object identifier out of ECPrivateKey: {@code SEQUENCE { version, OCTET STRING, [0] { curve } … }}. */
    private static byte[] curve(byte[] ecPrivateKey) {
        int end = ecPrivateKey.length;
        int at = content(ecPrivateKey, 0);
        while (at < end) {
            int from = content(ecPrivateKey, at);
            int to = from + length(ecPrivateKey, at);
            Objects.checkFromToIndex(from, to, end);    // four bytes can say that it ends before it begins, or in gigabytes
            if ((ecPrivateKey[at] & 255) == PARAMETERS) {
                byte[] curve = new byte[to - from];
                System.arraycopy(ecPrivateKey, from, curve, 0, curve.length);
                return curve;
            }
            at = to;
        }
        throw new IndexOutOfBoundsException("no curve");
    }

    /** Where the content of the DER element at {@code at} starts. */
    private static int content(byte[] der, int at) {
        int first = der[at + 1] & 255;
        return at + 2 + (first < 128 ? 0 : first & 127);
    }

    private static int length(byte[] der, int at) {
        int first = der[at + 1] & 255;
        if (first < 128) {
            return first;
        }
        int length = 0;
        for (int i = 0; i < (first & 127); i++) {
            length = length << 8 | der[at + 2 + i] & 255;
        }
        return length;
    }

    private static byte[] element(int tag, byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        out.write(tag);
        if (length >= 128) {
            int bytes = (39 - Integer.numberOfLeadingZeros(length)) / 8;
            out.write(128 | bytes);
            for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
                out.write(length >> shift);
            }
        } else {
            out.write(length);
        }
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
