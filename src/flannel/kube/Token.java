package flannel.kube;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.lease.StoreException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * What shows the API server who asks. One in a file is read for each request: the kubelet writes another in its place well before it ends.
 *
 * @param file null for none
 * @param text null for none
 */
record Token(Path file, String text) {

    static final Token NONE = new Token(null, null);

    private static final int MAX_BYTES = 64 << 10;

    /** RFC 6750, 2.1; leniently. */
    private static final Pattern PRINTABLE = Pattern.compile("[\\x21-\\x7e]+");

    /** As it is now; empty for none. */
    String value() throws StoreException {
        if (file == null && text == null) {
            return "";
        }
        try {
            String value = file == null ? text : SmallFiles.read(file, MAX_BYTES).strip();
            if (PRINTABLE.matcher(value).matches()) {
                return value;
            }
            throw new StoreException("the token " + (file == null ? "of the kubeconfig" : "in " + file) + " is empty, or has characters that no token has");
        } catch (FileException e) {
            throw new StoreException("the token for the Kubernetes API can't be read: " + e.getMessage(), e);
        }
    }

    /** Without the text. */
    @Override
    public String toString() {
        return "Token[" + (file == null ? text == null ? "" : "…" : file) + "]";
    }
}
