package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An array of struct iovec (include/uapi/linux/uio.h): pieces of memory that one system call reads or writes as a whole.
 * Holds addresses, so the memory pointed at must stay alive; the caller's arena sees to that.
 */
public final class IoVectors {

    /** Most pieces a system call takes (UIO_MAXIOV). */
    public static final int LIMIT = 1024;

    static final long SIZE = 16;
    private static final long LENGTH = 8;

    private final MemorySegment array;

    public IoVectors(Arena arena, int capacity) {
        array = arena.allocate(capacity * SIZE, 8);
    }

    /** Sets piece {@code index} to {@code length} bytes of {@code memory} from {@code offset} on. */
    public void set(int index, MemorySegment memory, long offset, long length) {
        array.set(JAVA_LONG, index * SIZE, memory.address() + offset);
        array.set(JAVA_LONG, index * SIZE + LENGTH, length);
    }

    public long address(int index) {
        return array.get(JAVA_LONG, index * SIZE);
    }

    public long length(int index) {
        return array.get(JAVA_LONG, index * SIZE + LENGTH);
    }

    /** Where the array from piece {@code index} on is, for a system call. */
    long addressOf(int index) {
        return array.address() + index * SIZE;
    }
}
