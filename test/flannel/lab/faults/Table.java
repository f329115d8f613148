package flannel.lab.faults;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What each fault came to, over all runs. */
final class Table {

    private record Row(List<Double> healedSeconds, int[] lost) {
    }

    private final Map<String, Row> rows = new TreeMap<>();

    /** @param lost datagrams of pairs that the fault does not touch */
    void note(String fault, double healedSeconds, int lost) {
        Row row = rows.computeIfAbsent(fault, name -> new Row(new ArrayList<>(), new int[1]));
        row.healedSeconds.add(healedSeconds);
        row.lost[0] += lost;
    }

    void print() {
        System.out.printf("%n%-64s %6s %10s %10s %10s%n", "fault", "times", "healed s", "worst s", "innocent lost");
        rows.forEach((fault, row) -> {
            Collections.sort(row.healedSeconds);
            System.out.printf("%-64s %6d %10.2f %10.2f %10d%n", fault, row.healedSeconds.size(),
                    row.healedSeconds.get(row.healedSeconds.size() / 2), row.healedSeconds.getLast(), row.lost[0]);
        });
    }
}
