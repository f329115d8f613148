package flannel.etcd;

import flannel.lease.LeaseConflictException;
import flannel.lease.StoreException;
import java.util.function.Predicate;

/** Compare-and-swap over a network that loses answers: what may have happened is read back before it is tried again. */
final class CarefulWrite {

    private static final int MAX_ATTEMPTS = 4;

    /** A request for a key's state. */
    interface Call<T> {
        T run() throws StoreException, InterruptedException;
    }

    private CarefulWrite() {
    }

    /**
     * Runs a compare-and-swap until it is known to have worked or not.
     *
     * @param attempt  the write; throws {@link LostAnswerException} when its outcome is unknown
     * @param readBack the key as it is now; null when it is gone
     * @param worked   whether what was read back shows that the write has happened
     */
    static <T> T run(Call<T> attempt, Call<T> readBack, Predicate<T> worked) throws StoreException, InterruptedException {
        boolean doubtful = false;
        for (int attempts = 1;; attempts++) {
            StoreException failure;
            try {
                return attempt.run();
            } catch (LostAnswerException e) {
                failure = e;
                doubtful = true;
            } catch (LeaseConflictException e) {
                // an earlier attempt of our own may be what this one ran into
                if (!doubtful) {
                    throw e;
                }
                failure = e;
            }
            T now = readBack.run();
            if (worked.test(now)) {
                return now;
            }
            if (failure instanceof LeaseConflictException || attempts == MAX_ATTEMPTS) {
                throw failure;
            }
        }
    }
}
