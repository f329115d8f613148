package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointsTest {

    private static String ec2(String region, String domain, Map<String, String> environment, Map<String, String> profile) {
        return new Endpoints(environment, profile, region, domain).of("ec2").toString();
    }

    @ParameterizedTest
    @CsvSource({
        "us-east-1, false, false, https://ec2.us-east-1.amazonaws.com/",
        "us-east-1, true, false, https://ec2-fips.us-east-1.amazonaws.com/",
        "eu-west-1, false, true, https://ec2.eu-west-1.api.aws/",
        "us-gov-west-1, true, true, https://ec2-fips.us-gov-west-1.api.aws/",
        "cn-north-1, false, false, https://ec2.cn-north-1.amazonaws.com.cn/",
        "us-iso-east-1, false, false, https://ec2.us-iso-east-1.c2s.ic.gov/",
        "us-isob-east-1, false, false, https://ec2.us-isob-east-1.sc2s.sgov.gov/",
        "us-isof-south-1, false, false, https://ec2.us-isof-south-1.csp.hci.ic.gov/",
        "eu-isoe-west-1, false, false, https://ec2.eu-isoe-west-1.cloud.adc-e.uk/",
        "eusc-de-east-1, false, false, https://ec2.eusc-de-east-1.amazonaws.eu/"
    })
    void aRegionsNameTellsItsPartition(String region, String fips, String dualStack, String expected) {
        assertEquals(expected, ec2(region, "", Map.of("AWS_USE_FIPS_ENDPOINT", fips, "AWS_USE_DUALSTACK_ENDPOINT", dualStack), Map.of()));
        assertEquals(expected, ec2(region, "", Map.of(), Map.of("use_fips_endpoint", fips, "use_dualstack_endpoint", dualStack)));
    }

    @Test
    void whereTheNameDoesNotTellTheMetadataDoes() {
        assertEquals("https://ec2.xx-moon-1.example.aws/", ec2("xx-moon-1", "example.aws", Map.of(), Map.of()));
    }

    @Test
    void anAddressThatIsGivenComesFirst() {
        Map<String, String> environment = new HashMap<>(Map.of("AWS_ENDPOINT_URL_EC2", "http://10.0.0.1:5000", "AWS_ENDPOINT_URL", "http://10.0.0.2/x"));
        Map<String, String> profile = Map.of("endpoint_url", "http://10.0.0.3/");
        assertEquals("http://10.0.0.1:5000/", ec2("us-east-1", "", environment, profile));
        assertEquals("http://10.0.0.2/x", new Endpoints(environment, profile, "us-east-1", "").of("sts").toString());
        environment.clear();
        assertEquals("http://10.0.0.3/", ec2("us-east-1", "", environment, profile));
        environment.put("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assertEquals("https://ec2.us-east-1.amazonaws.com/", ec2("us-east-1", "", environment, profile));
    }

    @Test
    void nonsenseIsNamed() {
        assertThrows(IllegalArgumentException.class, () -> ec2("us-east-1", "", Map.of("AWS_ENDPOINT_URL", "10.0.0.1"), Map.of()));
        assertThrows(IllegalArgumentException.class, () -> ec2("us east", "", Map.of(), Map.of()));
    }
}
