package flannel.tls;

import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import java.util.List;
import java.util.Set;

/** Spoiled certificates and keys. The keys are testECCP256 of RFC 9500, which is there for tests. */
public final class TlsFuzz {

    private static final String CERTIFICATE = """
            -----BEGIN CERTIFICATE-----
            MIIBdTCCARugAwIBAgIUGpyELPMabxw0HpQmE8pEGtprIfQwCgYIKoZIzj0EAwIw
            DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjUxMDQwNTNaGA8yMDgxMDgyODEwNDA1
            M1owDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK5y
            cRwsLmjKCYfotgZy1xcHvFqeTqOY6ANptjiBixLzcLGWJ6wERV5WnINJRNP8jgp7
            hq6RyGCxF8FwofH2/vSjUzBRMB0GA1UdDgQWBBTjpywUb38J4GpM/saa9QwRqXX2
            4DAfBgNVHSMEGDAWgBTjpywUb38J4GpM/saa9QwRqXX24DAPBgNVHRMBAf8EBTAD
            AQH/MAoGCCqGSM49BAMCA0gAMEUCIQClaertDPyjhr6R6rlUqJLYCb3dZjHybbpa
            Bc6f4ur9uAIgYMepm3zkn9HZjL0ObEIYlYaSWaFZViPN7mXBJd2pvKM=
            -----END CERTIFICATE-----
            """;

    private static final String SEC1 = """
            -----BEGIN EC PRIVATE KEY-----
            MHcCAQEEIObLW92AqkWunJXowVR2Z5/+yVPBaFHnEedDk5WJxk/BoAoGCCqGSM49
            AwEHoUQDQgAEQiVI+I+3gv+17KN0RFLHKh5Vj71vc75eSOkyMsxFxbFsTNEMTLjV
            uKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg==
            -----END EC PRIVATE KEY-----
            """;

    private static final String PKCS8 = """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5stb3YCqRa6clejB
            VHZnn/7JU8FoUecR50OTlYnGT8GhRANCAARCJUj4j7eC/7Xso3REUscqHlWPvW9z
            vl5I6TIyzEXFsWxM0QxMuNW4oXE56UiCyJklcpk0JfQUGat+kKQqSUJy
            -----END PRIVATE KEY-----
            """;

    private TlsFuzz() {
    }

    public static List<Target> targets() {
        return List.of(new Target("PEM: certificates", Target.texts(CERTIFICATE, CERTIFICATE + CERTIFICATE), Mutation::pem,
                Set.of(IllegalArgumentException.class),
                (input, dice) -> Pem.certificates("a test", Target.text(input))),
                new Target("PEM: keys", Target.texts(SEC1, SEC1.replace("EC PRIVATE", "RSA PRIVATE"), PKCS8), Mutation::pem,
                        Set.of(IllegalArgumentException.class),
                        (input, dice) -> Pem.privateKey("a test", Target.text(input))));
    }
}
