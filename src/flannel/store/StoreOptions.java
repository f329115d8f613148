package flannel.store;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.lease.NetworkConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the small store is, as the operator wrote it.
 *
 * @param directory  null when the store is another one
 * @param netConfigs of {@code -net-config}: JSON or a file with it, for a network by name as in {@code blue=FILE}
 */
public record StoreOptions(Path directory, List<String> netConfigs) {

    private static final int CONFIG_BYTES = 64 << 10;

    /** The store is another one. */
    public static StoreOptions none() {
        return new StoreOptions(null, List.of());
    }

    public boolean isEmpty() {
        return directory == null;
    }

    /**
     * Reads the configs that networks are to have at first, by network; "" is the one without a name.
     *
     * @throws IllegalArgumentException with a sentence that names the option, when one can't be read or used
     */
    public Map<String, String> configs() {
        Map<String, String> configs = new LinkedHashMap<>();
        for (String given : netConfigs) {
            int equals = given.indexOf('=');
            boolean named = equals > 0 && given.substring(0, equals).matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}");
            String what = named ? given.substring(equals + 1) : given;
            try {
                String text = what.stripLeading().startsWith("{") ? what : SmallFiles.read(SmallFiles.path("net-config", what), CONFIG_BYTES);
                NetworkConfig.parse(text);
                configs.put(named ? given.substring(0, equals) : "", text.strip());
            } catch (FileException e) {
                throw new IllegalArgumentException("-net-config: " + e.getMessage(), e);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("-net-config " + what + ": " + e.getMessage(), e);
            }
        }
        return configs;
    }
}
