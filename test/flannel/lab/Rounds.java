package flannel.lab;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** A figure in each round of a bench. A round may lack it. */
final class Rounds {

    private final Map<Integer, Double> values = new TreeMap<>();

    void note(int round, double value) {
        values.put(round, value);
    }

    /** The median, or a dash when there is nothing. */
    String median(String format) {
        return values.isEmpty() ? "-" : String.format(format, middle(sorted()));
    }

    /** This figure as a part of another's in the same round: the median of the rounds and, in brackets, the least and the greatest. */
    String of(Rounds other) {
        double[] ratios = values.entrySet().stream().filter(entry -> other.values.getOrDefault(entry.getKey(), 0.0) > 0)
                .mapToDouble(entry -> entry.getValue() / other.values.get(entry.getKey())).sorted().toArray();
        return ratios.length == 0 ? "-" : String.format("%.2f (%.2f-%.2f)", middle(ratios), ratios[0], ratios[ratios.length - 1]);
    }

    private double[] sorted() {
        double[] sorted = values.values().stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted;
    }

    private static double middle(double[] sorted) {
        return sorted[sorted.length / 2];
    }
}
