package flannel.kube;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.log.Log;
import java.nio.file.Path;

/** The network's configuration in a file of this host's, mostly out of a ConfigMap. For one thread. */
final class NetConfigFile {

    private static final int MAX_BYTES = 64 << 10;

    private final Path file;
    private final Log log;
    private String text;
    private String trouble = "";

    NetConfigFile(Path file, Log log) {
        this.file = file;
        this.log = log;
    }

    /** As it is now; null when there is none. One that was there once and can't be read any more is taken for unchanged. */
    String read() {
        String reason;
        try {
            String now = SmallFiles.find(file, MAX_BYTES).map(String::strip).orElse(null);
            if (now != null) {
                text = now;
            }
            reason = now == null && text != null ? file + " is gone" : "";
        } catch (FileException e) {
            reason = e.getMessage();
        }
        if (!reason.isEmpty() && !reason.equals(trouble)) {
            log.warning("-net-config-path: " + reason + (text == null ? "" : "; going on with the network config that was there"));
        }
        trouble = reason;
        return text;
    }
}
