package flannel.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CapabilityTest {

    @ParameterizedTest
    @CsvSource({"000001ffffffffff,true", "0000000000001000,true", "000001ffffffefff,false", "0000000000000000,false"})
    void isABitOfTheEffectiveMask(String mask, boolean isEffective) {
        List<String> status = List.of("Name:\tflanneld", "CapPrm:\t000001ffffffffff", "CapEff:\t" + mask, "CapBnd:\t000001ffffffffff");
        assertEquals(isEffective, Capability.NET_ADMIN.isEffective(status));
    }
}
