package flannel.backend.cloud;

import flannel.net.Ipv4Subnet;
import java.io.IOException;

/** Asks the store, past everything that is remembered of it, who holds a subnet. Blocks; for the thread of the routes. */
public interface LeaseCheck {

    /** Who holds a subnet. */
    enum Holder {
        THIS_HOST,

        /** Another host, or a value that can't be read. */
        ANOTHER,

        NOBODY
    }

    /** @throws IOException when the store can't be asked: then nothing is done */
    Holder holder(Ipv4Subnet subnet) throws IOException, InterruptedException;
}
