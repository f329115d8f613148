package flannel.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretsTest {

    /** Where * stands for what is taken out. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "asked http://root:hush@10.0.0.1:2379/v2 | asked http://*@10.0.0.1:2379/v2",
        "http://10.0.0.1:2379,https://root:hu,sh@10.0.0.2:2379 | http://10.0.0.1:2379,https://*@10.0.0.2:2379",
        "https://u:p@ss@proxy:3128 | https://*@proxy:3128",
        "FLANNELD_ETCD_PASSWORD=hush FLANNELD_ETCD_USERNAME=root | FLANNELD_ETCD_PASSWORD=* FLANNELD_ETCD_USERNAME=root",
        "Environment=\"FLANNELD_ETCD_PASSWORD=hush hush\" \"A=b\" | Environment=\"FLANNELD_ETCD_PASSWORD=*\" \"A=b\"",
        "Environment='AWS_SECRET_ACCESS_KEY=hu\"sh' 'A=b' | Environment='AWS_SECRET_ACCESS_KEY=*' 'A=b'",
        "FLANNEL_OPTIONS=\"-etcd-password=hush -iface=eth1\" | FLANNEL_OPTIONS=\"-etcd-password=* -iface=eth1\"",
        "\"-etcd-password\" \"hu sh\" \"-v=1\" | \"-etcd-password\" \"*\" \"-v=1\"",
        "flanneld --etcd-password hush -v=1 | flanneld --etcd-password * -v=1",
        "{\"password\":\"hu\\\"sh\",\"name\":\"a\"} | {\"password\":\"*\",\"name\":\"a\"}",
        "\"{\\\"token\\\":\\\"hush\\\",\\\"name\\\":\\\"a\\\"}\" | \"{\\\"token\\\":\\\"*\\\",\\\"name\\\":\\\"a\\\"}\"",
        "{\"secret\":null,\"a\":1} | {\"secret\":*\"a\":1}",
        "Authorization: Bearer abc.def hush | Authorization: *",
        "401 for Basic cm9vdDpodXNo | 401 for *",
        "client-key-data: LS0tLS1CRUdJTi | client-key-data: *",
        "key AKIAIOSFODNN7EXAMPLE is refused | key * is refused",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln of the pod | * of the pod",
        "--token=abcdef.0123456789abcdef | --token=*",
        "joined with abcdef.0123456789abcdef | joined with *",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7 | *",
        "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/token tokenFile: /x | AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/token tokenFile: /x",
        "wrong password for root; the token is old | wrong password for root; the token is old",
        "10.1.5.0/24 via 192.168.0.2 dev flannel.1 onlink | 10.1.5.0/24 via 192.168.0.2 dev flannel.1 onlink",
        "PASSWORD=\"\" A=b | PASSWORD=\"\" A=b",
    })
    void whatHasASecretsNamePlaceOrShapeIsTakenOut(String text, String left) {
        assertEquals(left.replace("*", Secrets.MARK), new Secrets().without(text));
    }

    @Test
    void aPrivateKeyIsTakenOutWholeAlsoOneThatIsCutOff() {
        String key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\n";
        assertEquals("a\n(taken out)\nb", new Secrets().without("a\n" + key + "b"));
        assertEquals("\"(taken out)\\n\"", new Secrets().without("\"" + key.strip().replace("\n", "\\n") + "\\n\""));
        assertEquals("a (taken out)", new Secrets().without("a " + key.substring(0, 40)));
    }

    @Test
    void whatASettingShowsToBeASecretIsTakenOutEverywhere() {
        Secrets secrets = new Secrets();
        secrets.learnFrom("FLANNEL_OPTIONS=\"-etcd-password=rosebud -v=1\"\nhttps://root:sl%40dge@etcd:2379\n\"X_TOKEN=two \\\"words\\\"\"\nMY_PASSWORD=abc\n");
        assertEquals("(taken out) (taken out) (taken out), (taken out), (taken out), abcdef", secrets.without("rosebud sl%40dge sl@dge, two \"words\", two \\\"words\\\", abcdef"));
        assertTrue(secrets.taken() >= 5);
        assertFalse(secrets.without("-v=1").contains("taken"));
    }

    @Test
    void longTextsTakeNoLongTime() {
        for (String part : new String[] {"a", "password", "://", "\"", "\\", "-", "token=\"\\", "eyJ", "B1a/"}) {
            String text = part.repeat((1 << 18) / part.length());
            assertTimeoutPreemptively(Duration.ofSeconds(30), () -> new Secrets().without(text), part);
        }
    }
}
