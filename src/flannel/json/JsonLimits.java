package flannel.json;

/**
 * How large a JSON value may be. Who may write to a store, or answer in its name, must not decide how much memory, stack or time reading takes:
 * what is larger is left out ({@link JsonValue.Omitted}) or refused with a {@link JsonException}.
 *
 * @param depth       arrays and objects within each other; reading, comparing and writing are recursive, and a thread's stack has 256 KB
 * @param values      values within one, itself included: as objects they take up to 80 bytes each, written as two
 * @param stringBytes UTF-8 of one string, name or number
 * @param textBytes   UTF-8 of all its strings, names and numbers together
 * @param elements    elements that are handed out one by one, each with the limits above for itself
 * @param elementsTextBytes UTF-8 of all their strings, names and numbers: who keeps what is handed out keeps no more
 * @param bytes       its whole length, white space and all that is handed out or left out included
 */
public record JsonLimits(int depth, int values, int stringBytes, int textBytes, int elements, int elementsTextBytes, long bytes) {

    /** For a text that is in memory already. */
    public static final JsonLimits TEXT = new JsonLimits(32, 10_000, 1 << 20, 1 << 20, 0, 0, 4 << 20);

    /**
     * For what a store answers: a lease has a few hundred bytes, in base64 too, and half as many again as are in the largest network
     * measured are let in, for beside those of a list the ones that were known before it are still held. etcd takes values of 1.5 MB: dozens
     * of them are passed over, so that who may write can't end the reading for all.
     */
    public static final JsonLimits ANSWER = new JsonLimits(32, 10_000, 16 << 10, 1 << 20, 16_000, 10 << 20, 256 << 20);
}
