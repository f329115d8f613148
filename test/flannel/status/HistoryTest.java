package flannel.status;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import flannel.status.History.Reading;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HistoryTest {

    private static final long STEP = History.STEP.toNanos();
    private static final float NAN = Float.NaN;

    private final History history = new History();

    /** @param bytes received so far; negative when the network tells nothing */
    private void take(double step, String device, long bytes) {
        Map<String, Reading> readings = new HashMap<>();
        readings.put("", bytes < 0 ? null : new Reading(device, bytes, 2 * bytes, 0, 0, 0));
        history.take((long) (step * STEP), readings);
    }

    private void assertReceived(float... rates) {
        assertArrayEquals(rates, history.of("").received());
    }

    @Test
    void ratesComeOfTwoReadings() {
        take(0, "flannel.1", 1_000);
        assertReceived();
        take(1, "flannel.1", 1_100);
        take(3.02, "flannel.1", 1_504); // half a step is rounded: one sample is missing
        assertReceived(10, NAN, 20);
        assertArrayEquals(new float[] {20, NAN, 40}, history.of("").sent());
    }

    @Test
    void aDeviceMadeAnewBeginsAnew() {
        take(0, "flannel.1", 1_000);
        take(1, "flannel.1", 500);
        take(2, "flannel.1", 700);
        take(3, "flannel0", 900);
        assertReceived(NAN, 20, NAN);
    }

    @Test
    void aSessionThatDoesNotAnswerLeavesAGap() {
        take(0, "flannel.1", 0);
        take(1, "flannel.1", 100);
        take(2, "", -1);
        take(3, "flannel.1", 200);
        take(4, "flannel.1", 300);
        assertReceived(10, NAN, NAN, 10);
    }

    @Test
    void lossIsOfTheEchoesOfOneStep() {
        long[][] echoesAndAnswers = {{0, 0}, {10, 10}, {20, 15}, {20, 15}, {22, 18}};
        for (int i = 0; i < echoesAndAnswers.length; i++) {
            history.take(i * STEP, Map.of("", new Reading("flannel.1", 0, 0, 0, echoesAndAnswers[i][0], echoesAndAnswers[i][1])));
        }
        assertArrayEquals(new float[] {0, 0.5f, NAN, 0}, history.of("").loss());
    }

    @Test
    void anHourIsKeptOfAFewNetworks() {
        for (int i = 0; i <= 2 * History.SAMPLES; i++) {
            take(i, "flannel.1", i < History.SAMPLES + 1 ? 0 : 10L * (i - History.SAMPLES));
        }
        float[] all = new float[History.SAMPLES];
        Arrays.fill(all, 1);
        assertReceived(all);
        take(10_000, "flannel.1", 1_000_000);
        assertEquals(History.SAMPLES, history.of("").received().length);
        Map<String, Reading> many = new HashMap<>();
        for (int i = 0; i < 10 * History.NETWORKS; i++) {
            many.put("n" + i, new Reading("flannel" + i, 0, 0, 0, 0, 0));
        }
        history.take(10_001 * STEP, many);
        assertEquals(History.NETWORKS, many.keySet().stream().filter(name -> !history.of(name).device().isEmpty()).count());
        assertReceived();
    }
}
