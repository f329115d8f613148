package flannel.lease;

/** A catalog of stores that a server can stand in front of. */
public interface ServedCatalog extends NetworkCatalog {

    @Override
    ServedStore network(String name);
}
