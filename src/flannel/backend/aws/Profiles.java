package flannel.backend.aws;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The profiles of AWS' shared files, {@code ~/.aws/credentials} and {@code ~/.aws/config}; of a setting in both, the first one's counts.
 *
 * <p>Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
 *
 * @param settings by profile and name
 * @param chosen   name of the profile to use
 */
record Profiles(Map<String, Map<String, String>> settings, String chosen) {

    private static final int MOST_BYTES = 1 << 20;

    /** @throws FileException naming the file that is there and can't be read */
    static Profiles read(Map<String, String> environment, Path home) throws FileException {
        Map<String, Map<String, String>> settings = new HashMap<>();
        Path folder = home.resolve(".aws");
        parse(text(environment, "AWS_CONFIG_FILE", folder.resolve("config")), true, settings);
        parse(text(environment, "AWS_SHARED_CREDENTIALS_FILE", folder.resolve("credentials")), false, settings);
        String chosen = environment.getOrDefault("AWS_PROFILE", environment.getOrDefault("AWS_DEFAULT_PROFILE", ""));
        return new Profiles(settings, chosen.isBlank() ? "default" : chosen.strip());
    }

    private static String text(Map<String, String> environment, String variable, Path otherwise) throws FileException {
        String configured = environment.getOrDefault(variable, "").strip();
        return SmallFiles.find(configured.isEmpty() ? otherwise : Path.of(configured), MOST_BYTES).orElse("");
    }

    /** @param prefixed whether sections are called "profile name", as in the config file */
    static void parse(String text, boolean prefixed, Map<String, Map<String, String>> settings) {
        Map<String, String> section = new HashMap<>();
        for (String line : text.lines().toList()) {
            String content = line.strip();
            if (content.isEmpty() || content.startsWith("#") || content.startsWith(";")) {
                continue;
            }
            int equals = content.indexOf('=');
            if (content.startsWith("[")) {
                section = section(content, prefixed, settings);
            } else if (equals > 0 && !Character.isWhitespace(line.charAt(0))) {     // indented: part of a nested setting
                section.put(content.substring(0, equals).strip(), content.substring(equals + 1).strip());
            }
        }
    }

    private static Map<String, String> section(String line, boolean prefixed, Map<String, Map<String, String>> settings) {
        int end = line.indexOf(']');
        String[] words = line.substring(1, end < 0 ? line.length() : end).strip().split("\\s+", 2);
        String name = words.length == 1 ? words[0] : words[0].equals("profile") ? words[1].replaceAll("^\"|\"$", "") : "";
        boolean isProfile = !name.isEmpty() && (!prefixed || words.length == 2 || name.equals("default"));
        return isProfile ? settings.computeIfAbsent(name, key -> new HashMap<>()) : new HashMap<>();
    }

    /** The settings of the profile in use; empty when there is none of that name. */
    Map<String, String> settingsInUse() {
        return settings.getOrDefault(chosen, Map.of());
    }
}
