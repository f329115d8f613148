package flannel.backend.gce;

import flannel.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/** JSON web tokens, signed by RS256 (RFC 7515, RFC 7518 section 3.3): how a service account's key asks for an access token. */
final class Jwt {

    private static final Base64.Encoder BASE64URL = Base64.getUrlEncoder().withoutPadding();

    private Jwt() {
    }

    /** Signs claims. The JSON's texts are signed as they are written here, member by member. */
    static String signed(JsonValue header, JsonValue claims, PrivateKey key) throws GeneralSecurityException {
        return signed(header.toString(), claims.toString(), key);
    }

    static String signed(String header, String claims, PrivateKey key) throws GeneralSecurityException {
        String input = encode(header.getBytes(StandardCharsets.UTF_8)) + "." + encode(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(key);
        signature.update(input.getBytes(StandardCharsets.US_ASCII));
        return input + "." + encode(signature.sign());
    }

    private static String encode(byte[] bytes) {
        return BASE64URL.encodeToString(bytes);
    }

    /**
     * The RSA key of a PEM text with one block {@code PRIVATE KEY} (PKCS#8), which is what Google gives out.
     *
     * @throws GeneralSecurityException when it is anything else; the message holds nothing of the text
     */
    static PrivateKey privateKey(String pem) throws GeneralSecurityException {
        String base64 = pem.replaceAll("-----(BEGIN|END) PRIVATE KEY-----|\\s", "");
        byte[] der;
        try {
            der = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException("it is not a PEM text of the form PRIVATE KEY");
        }
        try {
            return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (GeneralSecurityException e) {
            throw new GeneralSecurityException("it is not an RSA key in PKCS#8 form");
        }
    }
}
