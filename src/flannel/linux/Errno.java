package flannel.linux;

import java.util.Map;

/** Error numbers of Linux (include/uapi/asm-generic/errno-base.h and errno.h): the same on x86_64 and aarch64. */
public final class Errno {

    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int E2BIG = 7;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int EINVAL = 22;
    public static final int ENOTTY = 25;
    public static final int EBADFD = 77;
    public static final int EMSGSIZE = 90;
    public static final int ENOPROTOOPT = 92;
    public static final int EOPNOTSUPP = 95;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int ENETDOWN = 100;
    public static final int ENETUNREACH = 101;
    public static final int ENOBUFS = 105;
    public static final int ECONNREFUSED = 111;
    public static final int EHOSTUNREACH = 113;

    private static final Map<Integer, String> TEXTS = Map.ofEntries(
            Map.entry(EPERM, "EPERM (operation not permitted)"),
            Map.entry(ENOENT, "ENOENT (no such file or object)"),
            Map.entry(ESRCH, "ESRCH (no such process or entry)"),
            Map.entry(EINTR, "EINTR (interrupted)"),
            Map.entry(EIO, "EIO (input/output error)"),
            Map.entry(E2BIG, "E2BIG (too many)"),
            Map.entry(EBADF, "EBADF (bad file descriptor)"),
            Map.entry(EAGAIN, "EAGAIN (try again)"),
            Map.entry(ENOMEM, "ENOMEM (out of memory)"),
            Map.entry(EACCES, "EACCES (permission denied)"),
            Map.entry(EBUSY, "EBUSY (device or resource busy)"),
            Map.entry(EEXIST, "EEXIST (exists already)"),
            Map.entry(ENODEV, "ENODEV (no such device)"),
            Map.entry(EINVAL, "EINVAL (invalid argument)"),
            Map.entry(ENOTTY, "ENOTTY (no such ioctl on this device)"),
            Map.entry(EBADFD, "EBADFD (the device behind the file descriptor is gone)"),
            Map.entry(EMSGSIZE, "EMSGSIZE (message too long)"),
            Map.entry(ENOPROTOOPT, "ENOPROTOOPT (socket option not known to this kernel)"),
            Map.entry(EOPNOTSUPP, "EOPNOTSUPP (not supported by this kernel)"),
            Map.entry(EADDRINUSE, "EADDRINUSE (address in use)"),
            Map.entry(EADDRNOTAVAIL, "EADDRNOTAVAIL (no such address on this host)"),
            Map.entry(ENETDOWN, "ENETDOWN (network is down)"),
            Map.entry(ENETUNREACH, "ENETUNREACH (network is unreachable)"),
            Map.entry(ENOBUFS, "ENOBUFS (no buffer space)"),
            Map.entry(ECONNREFUSED, "ECONNREFUSED (connection refused)"),
            Map.entry(EHOSTUNREACH, "EHOSTUNREACH (no route to host)"));

    private Errno() {
    }

    /** Name and meaning of an error number, for messages. */
    public static String describe(int errno) {
        return TEXTS.getOrDefault(errno, "error " + errno);
    }
}
