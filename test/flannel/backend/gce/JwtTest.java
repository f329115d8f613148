package flannel.backend.gce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import flannel.json.JsonValue;
import java.security.GeneralSecurityException;
import org.junit.jupiter.api.Test;

class JwtTest {

    /** The key of RFC 7515, appendix A.2, in the form in which Google gives out a service account's. */
    static final String KEY = """
            -----BEGIN PRIVATE KEY-----
            MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO
            jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL
            aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn
            juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5
            ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf
            toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg
            VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW
            PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G
            O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj
            kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6
            XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB
            4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K
            pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr
            0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE
            lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6
            kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP
            rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw
            kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp
            5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2
            9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/
            evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG
            yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj
            OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2
            tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3
            ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56
            03k2+ZQwVK0JKSHuLFkuQ3U=
            -----END PRIVATE KEY-----
            """;

    /** RFC 7515, appendix A.2. */
    @Test
    void signsTheStandardsExample() throws GeneralSecurityException {
        assertEquals("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0c"
                        + "nVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
                        + "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6"
                        + "_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
                        + "cN_IoypGlUPQGe77Rw",
                Jwt.signed("{\"alg\":\"RS256\"}", "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}",
                        Jwt.privateKey(KEY)));
    }

    /** Signed by {@code openssl dgst -sha256 -sign}. */
    @Test
    void signsAsOpensslDoes() throws GeneralSecurityException {
        JsonValue header = JsonValue.object("alg", "RS256", "typ", "JWT", "kid", "a1b2c3");
        JsonValue claims = JsonValue.object("iss", "flannel@p.iam.gserviceaccount.com", "scope", "https://www.googleapis.com/auth/compute",
                "aud", "https://oauth2.googleapis.com/token", "iat", 1440938160, "exp", 1440941760);
        assertEquals("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImExYjJjMyJ9.eyJpc3MiOiJmbGFubmVsQHAuaWFtLmdzZXJ2aWNlYWNjb3VudC5jb"
                        + "20iLCJzY29wZSI6Imh0dHBzOi8vd3d3Lmdvb2dsZWFwaXMuY29tL2F1dGgvY29tcHV0ZSIsImF1ZCI6Imh0dHBzOi8vb2F1dGgyLmdvb2dsZWF"
                        + "waXMuY29tL3Rva2VuIiwiaWF0IjoxNDQwOTM4MTYwLCJleHAiOjE0NDA5NDE3NjB9.mM4VphNe3_uLhQCfk3mlCD3iJzEamks1vsoDglj8y5z1"
                        + "fqIS27y1fIE99hEH7gIVa_68m6VQ2i-0hSvm1bF_W1MuLP4C-1biqyLfW0EBB5lhQ1kvWqFSxxqh82vib3LCb6WDJbiyCtD4uAiqJGOb3N3d8d"
                        + "NVpD1NKop7hMTB1pQFBWEmV2UvW9nyepCx0smcwzG657HM_3V2nzfU4LtSKn1PxSeKVFV_AvlpWMb7qXUHs0lmDBdYHSpW476pxj64rty5Q9rE"
                        + "rDbk_epWxYZzEDnCqFtWZh7C4beqrkI2bZhJJXoKF53wENb74wdaj9PVrqNcJvmKBUEIhbggFZfGDw",
                Jwt.signed(header, claims, Jwt.privateKey(KEY)));
    }

    @Test
    void refusesWhatIsNoKeyWithoutTellingIt() {
        String secret = KEY.substring(40, 90);
        for (String pem : new String[] {"", "rubbish!" + secret, KEY.replace("PRIVATE KEY", "EC PRIVATE KEY"), KEY.substring(0, 400)}) {
            GeneralSecurityException e = assertThrows(GeneralSecurityException.class, () -> Jwt.privateKey(pem));
            assertFalse(e.getMessage().contains(secret.substring(0, 8)), e.getMessage());
        }
    }
}
