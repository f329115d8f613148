package flannel.lab;

import java.util.HashMap;
import java.util.Map;

/** The command line of the lab's programs: {@code --name value} and {@code --name}. */
public final class Arguments {

    private Arguments() {
    }

    /**
     * What was given, by name. A wrong command line ends the program with its usage.
     *
     * @param patterns what each option's value looks like, as a regular expression; an empty one takes no value
     */
    public static Map<String, String> parse(String usage, Map<String, String> patterns, String[] arguments) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            String pattern = patterns.get(arguments[i]);
            boolean takesValue = pattern != null && !pattern.isEmpty();
            String value = takesValue && i + 1 < arguments.length ? arguments[i + 1] : "";
            if (pattern == null || !value.matches(pattern)) {
                System.err.println("usage: " + usage);
                System.exit(2);
            }
            given.put(arguments[i], value);
            i += takesValue ? 1 : 0;
        }
        return given;
    }
}
