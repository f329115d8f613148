package flannel.files;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** A file that can't be read or written. The message is whole: it names the file and says why, without the name of any Java class. */
public final class FileException extends IOException {

    private static final long serialVersionUID = 1L;

    public FileException(String message) {
        super(message);
    }

    /** @param what the operation that failed, with the file's name, as in {@code cannot write /run/x} */
    public FileException(String what, IOException cause) {
        super(what + ": " + reason(cause), cause);
    }

    private static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException missing -> missing.getFile() + " does not exist";
            case AccessDeniedException denied -> "permission denied";
            case FileAlreadyExistsException exists -> exists.getFile() + " is there already";
            case FileSystemException other when other.getReason() != null -> other.getReason();
            default -> e.getMessage();
        };
    }
}
