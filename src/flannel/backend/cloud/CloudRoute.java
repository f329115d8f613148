package flannel.backend.cloud;

import flannel.net.Ipv4Subnet;

/**
 * A route as it stands in a cloud's table.
 *
 * @param name   how the cloud tells it from the table's other routes: its name, or its destination where routes have no names
 * @param target next hop in the cloud's words ("eni-0ab...", "local", "instance node-1"), for the log
 * @param kind   what it is to this host
 */
public record CloudRoute(Ipv4Subnet destination, String name, String target, Kind kind) {

    /** What may be done to a route. */
    public enum Kind {

        /** Leads to this host: removed when its destination is no longer this host's subnet. */
        OWN,

        /** Leads elsewhere, and somebody is there: replaced only when it stands in the way of this host's lease. */
        ELSEWHERE,

        /** A host's route, and the cloud says that its next hop is gone or stopped: removed when nobody holds its destination. */
        DEAD,

        /** Made by the cloud, by its routing protocols or for something else than hosts' subnets: as if it were not there. */
        FOREIGN
    }
}
