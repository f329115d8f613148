package flannel.report;

import flannel.programs.Programs;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Something that a report has.
 *
 * @param name     of its file, with a folder; of several files what they have in common
 * @param settings whether what has a secret's name there is one, wherever else it stands
 * @param files    reads it: texts by the names of their files. It may be interrupted, and what it throws is told by its message
 */
public record Source(String name, boolean settings, Callable<Map<String, String>> files) {

    /** Of one file. */
    public static Source of(String name, Callable<String> text) {
        return new Source(name, false, () -> Map.of(name, text.call()));
    }

    /** The same for settings. */
    public static Source ofSettings(String name, Callable<String> text) {
        return new Source(name, true, () -> Map.of(name, text.call()));
    }

    /** What a program prints. */
    static Source of(String name, Programs programs, String... command) {
        return of(name, () -> programs.report(List.of(command)));
    }
}
