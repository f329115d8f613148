package flannel.linux;

import java.io.IOException;

/** A system call that failed: which one, on what, and why. */
public final class SystemCallException extends IOException {

    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param operation the call with the arguments that matter, as in {@code open /dev/net/tun}
     * @param errno     the (positive) error number
     */
    public SystemCallException(String operation, int errno) {
        this(operation, errno, "");
    }

    /** @param detail what the kernel said beyond the number (netlink's extended ack); may be empty */
    public SystemCallException(String operation, int errno, String detail) {
        super(operation + ": " + Errno.describe(errno) + (detail.isEmpty() ? "" : ": " + detail));
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }

    /**
     * Turns a call's result into an exception when it is one.
     *
     * @param result what a method of this package returned: not negative, or minus an error number
     * @return the result, when it is not negative
     */
    public static long check(String operation, long result) throws SystemCallException {
        if (result < 0) {
            throw new SystemCallException(operation, (int) -result);
        }
        return result;
    }

    /** The same for a result that is an int (a file descriptor, a count). */
    public static int check(String operation, int result) throws SystemCallException {
        return (int) check(operation, (long) result);
    }
}
