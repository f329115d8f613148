package flannel.json;

/**
 * How large a JSON value may be. Who may write to a store, or answer in its name, must not decide how much memory, stack or time reading takes:
 * what is larger is left out ({@link JsonValue.Omitted}) or refused with a {@link JsonException}.
 *
 * @param depth     arrays and objects within each other; reading, comparing and writing are recursive, and a thread's stack has 256 KB
 * @param values    values within one, itself included: as objects they take up to 80 bytes each, written as two
 * @param textBytes UTF-8 of all its names, strings and numbers together
 * @param elements  elements that are handed out one by one, each with the limits above for itself
 * @param bytes     its whole length, white space and all that is handed out or left out included
 */
public record JsonLimits(int depth, int values, int textBytes, int elements, long bytes) {

    /** For a text that is in memory already. */
    public static final JsonLimits TEXT = new JsonLimits(32, 10_000, 1 << 20, 0, 4 << 20);

    /**
     * For what a store answers: a lease has a few hundred bytes, in base64 too, and all subnets of a /8 are 65,536. etcd lets values of
     * 1.5 MB in: dozens of them are passed over, so that one who may write does not end the reading for all.
     */
    public static final JsonLimits ANSWER = new JsonLimits(32, 10_000, 16 << 10, 100_000, 256 << 20);
}
