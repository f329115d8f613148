package flannel.backend.udp;

/** A map from int to int other than 0: open addressing, at most half full; what is in it stays. */
final class IntTable {

    private final int[] keys;
    private final int[] values;
    private final int shift;

    IntTable(int count) {
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(count, 1));
        keys = new int[1 << bits];
        values = new int[1 << bits];
        shift = 32 - bits;
    }

    void put(int key, int value) {
        int at = place(key);
        keys[at] = key;
        values[at] = value;
    }

    /** 0 when the key is not there. */
    int get(int key) {
        return values[place(key)];
    }

    /** Where the key is, or would go. A multiplier near 2^32 / golden ratio spreads keys that differ in few bits only. */
    private int place(int key) {
        int at = key * 0x9E3779B9 >>> shift;
        while (values[at] != 0 && keys[at] != key) {
            at = at + 1 & keys.length - 1;
        }
        return at;
    }
}
