package flannel.backend.cloud;

import java.util.List;

/**
 * One table of the cloud's router at one moment.
 *
 * @param id     in the cloud's words, for the log and for requests
 * @param routes all of its routes for IPv4 prefixes
 * @param used   how many of its quota are used, whoever made them
 */
public record RouteTable(String id, List<CloudRoute> routes, int used, Quota quota) {

    /**
     * What the cloud allows.
     *
     * @param name   by which an operator finds it and asks for more
     * @param routes how many routes, as far as is known
     */
    public record Quota(String name, int routes) {
    }
}
