package flannel.kernel;

/** A notification of the kernel's. */
public sealed interface KernelEvent {

    /**
     * Something is new or has changed; this is how it is now.
     *
     * @param by whose doing that seems to be; empty when that is not known
     */
    record Appeared(Found what, String by) implements KernelEvent {

        public Appeared(Found what) {
            this(what, "");
        }
    }

    /** Something is gone; this is how it was. */
    record Vanished(Found what, String by) implements KernelEvent {

        public Vanished(Found what) {
            this(what, "");
        }
    }

    /** Notifications were lost because they came too fast: only a full comparison tells what is. */
    record Overrun() implements KernelEvent {
    }

    /** Somebody has changed the nftables rules (iptables-nft's too; the older iptables makes no notification). */
    record RulesChanged() implements KernelEvent {
    }
}
