package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import flannel.backend.cloud.Http;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The vectors are those that botocore and two other signers agree on. */
class SignatureV4Test {

    private static final Instant THEN = Instant.parse("2015-08-30T12:36:00Z");
    private static final String FORM = "Action=CreateRoute&DestinationCidrBlock=10.20.5.0%2F24&NetworkInterfaceId=eni-0123456789abcdef0"
            + "&RouteTableId=rtb-0123456789abcdef0&Version=2016-11-15";
    private static final Credentials KEY = FakeAws.KEY;
    private static final Credentials SESSION = new Credentials(KEY.accessKeyId(), KEY.secretAccessKey(), "AQoEXAMPLEH4aoAH0gNCAPy+/Token==",
            Instant.MAX, "a test");

    private static Http.Request signed(String endpoint, Credentials key) {
        return new SignatureV4("us-east-1", "ec2").post(URI.create(endpoint), FORM, key, THEN, Duration.ofSeconds(1));
    }

    @Test
    void aRequestIsSignedAsTheVectorSays() {
        Http.Request request = signed("https://ec2.us-east-1.amazonaws.com/", KEY);
        assertEquals("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request,"
                + " SignedHeaders=content-type;host;x-amz-date, Signature=7a84e506cae821aa1408715af1e5bf63eee49a674fc9db5a23287e3cf7a3e66b",
                request.headers().get("authorization"));
        assertEquals("20150830T123600Z", request.headers().get("x-amz-date"));
        assertEquals(FORM, request.body());
        assertFalse(request.headers().containsKey("host"), "java.net.http writes it");
    }

    @Test
    void aSessionsTokenIsSignedToo() {
        Http.Request request = signed("https://ec2.us-east-1.amazonaws.com/", SESSION);
        assertEquals("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request,"
                + " SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"
                + " Signature=5bedf58d4fb8d702acffaab77b99d18856839c7d7eaf50d8198788bc78878158", request.headers().get("authorization"));
        assertEquals(SESSION.sessionToken(), request.headers().get("x-amz-security-token"));
    }

    @Test
    void theFakesOwnReckoningAgreesAndRefusesWhatWasChanged() throws Exception {
        Map<String, FakeAws.Identity> known = Map.of(KEY.accessKeyId(), new FakeAws.Identity(KEY, null));
        for (String endpoint : new String[] {"https://ec2.us-east-1.amazonaws.com/", "http://127.0.0.1:5123/", "http://ec2.test:80/path/"}) {
            assertSame(known.get(KEY.accessKeyId()), SignatureCheck.check(signed(endpoint, KEY), "ec2", THEN, known));
        }
        Http.Request good = signed("https://ec2.us-east-1.amazonaws.com/", KEY);
        Http.Request other = new Http.Request("POST", good.uri(), good.headers(), FORM.replace("10.20.5.0", "10.20.6.0"), good.timeout());
        assertEquals("SignatureDoesNotMatch",
                assertThrows(FakeVpc.Refusal.class, () -> SignatureCheck.check(other, "ec2", THEN, known)).code());
        Map<String, String> unsigned = new HashMap<>(good.headers());
        unsigned.remove("authorization");
        assertThrows(FakeVpc.Refusal.class, () -> SignatureCheck.check(
                new Http.Request("POST", good.uri(), unsigned, FORM, good.timeout()), "ec2", THEN, known));
        assertEquals("RequestExpired", assertThrows(FakeVpc.Refusal.class,
                () -> SignatureCheck.check(good, "ec2", THEN.plusSeconds(301), known)).code());
    }

    @Test
    void formsAreEncodedByRfc3986() {
        assertEquals("Action=A&Version=1&a%2Ab=-_.~%20%2B%2F%3D%26%C3%A4%25", new Form("A", "1").with("a*b", "-_.~ +/=&ä%").toString());
    }

    @Test
    void nothingSecretIsInATextOfAKey() {
        assertEquals("credentials of a test", SESSION.toString());
    }
}
