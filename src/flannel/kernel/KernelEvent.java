package flannel.kernel;

/** A notification of the kernel's. */
public sealed interface KernelEvent {

    /** Something is new or has changed; this is how it is now. */
    record Appeared(Found what) implements KernelEvent {
    }

    /** Something is gone; this is how it was. */
    record Vanished(Found what) implements KernelEvent {
    }

    /** Notifications were lost because they came too fast: only a full comparison tells what is. */
    record Overrun() implements KernelEvent {
    }

    /** Somebody has changed the nftables rules (iptables-nft's too; the older iptables makes no notification). */
    record RulesChanged() implements KernelEvent {
    }
}
