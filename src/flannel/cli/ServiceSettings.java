package flannel.cli;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The service's settings, {@code /etc/sysconfig/flanneld}, for commands that a person gives on a host: what {@code flanneld-start} makes of them
 * (systemd.exec(5), EnvironmentFile). What can't be read or understood is passed over: the command line has all of it too.
 */
final class ServiceSettings {

    static final Path FILE = Path.of("/etc/sysconfig/flanneld");

    private static final int LIMIT_BYTES = 64 << 10;
    private static final Pattern SETTING = Pattern.compile("\\s*([A-Za-z_]\\w*)\\s*=\\s*(.*?)\\s*");

    private ServiceSettings() {
    }

    /** The options that the service's daemon has, as far as they are to be had. */
    static Options options(Path file) {
        try {
            Map<String, String> variables = parse(SmallFiles.find(file, LIMIT_BYTES).orElse(""));
            return Options.parse(arguments(variables).toArray(String[]::new), variables);
        } catch (FileException | UsageException e) {
            return Options.none();
        }
    }

    /** The same for a command: where the service is a server, that is asked. */
    static Options forCommands(Path file) {
        Options service = options(file);
        String listen = service.text("listen");
        if (!listen.matches("[^/]*:\\d+")) { // none, or a socket of systemd's
            return service;
        }
        try {
            return Options.parse(new String[] {"-remote=" + (listen.startsWith(":") ? "127.0.0.1" + listen : listen)}, Map.of());
        } catch (UsageException e) {
            return service;
        }
    }

    private static List<String> arguments(Map<String, String> variables) {
        List<String> arguments = new ArrayList<>();
        add("-etcd-endpoints=", variables, "FLANNEL_ETCD_ENDPOINTS", "FLANNEL_ETCD", arguments);
        add("-etcd-prefix=", variables, "FLANNEL_ETCD_PREFIX", "FLANNEL_ETCD_KEY", arguments);
        Stream.of(variables.getOrDefault("FLANNEL_OPTIONS", "").split("\\s+")).filter(word -> !word.isEmpty()).forEach(arguments::add);
        return arguments;
    }

    private static void add(String option, Map<String, String> variables, String name, String olderName, List<String> arguments) {
        String value = variables.getOrDefault(name, "").isEmpty() ? variables.getOrDefault(olderName, "") : variables.get(name);
        if (!value.isEmpty()) {
            arguments.add(option + value);
        }
    }

    static Map<String, String> parse(String text) {
        Map<String, String> variables = new LinkedHashMap<>();
        for (String line : text.replace("\\\n", " ").split("\n")) {
            Matcher setting = SETTING.matcher(line);
            if (setting.matches()) {
                String value = setting.group(2);
                boolean quoted = value.length() > 1 && (value.startsWith("\"") || value.startsWith("'")) && value.endsWith(value.substring(0, 1));
                variables.put(setting.group(1), quoted ? value.substring(1, value.length() - 1).replace("\\\"", "\"") : value);
            }
        }
        return variables;
    }
}
