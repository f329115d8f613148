package flannel.cli;

import flannel.etcd.EtcdImport;
import flannel.etcd.EtcdNetworks;
import flannel.lease.Lease;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.NetworkContents;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/**
 * {@code flanneld lease list | reserve SUBNET PUBLIC-IP | release SUBNET | copy}: what operators do with leases, in etcd, at a server, or in a
 * stopped server's store. Ends with 0 when it is done, with 1 and a sentence when it can't be, with 2 when the command line is wrong.
 */
final class LeaseCommand {

    private final PrintStream stdout;
    private final PrintStream stderr;
    /** What the daemon would log says nothing to who waits for an answer. */
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);

    LeaseCommand(PrintStream stdout, PrintStream stderr) {
        this.stdout = stdout;
        this.stderr = stderr;
    }

    int run(Options options, Map<String, String> environment) throws InterruptedException {
        List<String> words = options.words();
        String what = words.isEmpty() ? "" : words.getFirst();
        int arguments = switch (what) {
            case "list", "copy" -> 0;
            case "reserve" -> 2;
            case "release" -> 1;
            default -> -1;
        };
        if (arguments < 0 || words.size() - 1 != arguments) {
            return complain(Command.WRONG, Commands.find(Commands.LEASE).orElseThrow().usage(words));
        }
        try {
            if (what.equals("copy")) {
                return copy(options, environment);
            }
            Ipv4Subnet subnet = arguments > 0 ? subnet(words.get(1)) : null;
            Ipv4 publicIp = arguments > 1 ? Ipv4.parse(words.get(2)) : null;
            String network = Connections.network(options);
            try (ServedCatalog catalog = Connections.open(options, environment, log)) {
                ServedStore store = catalog.network(network);
                NetworkContents contents = NetworkContents.of(store);
                if (contents.config() == null && !what.equals("release")) {
                    stderr.println(Connections.missing(catalog, store));
                }
                return switch (what) {
                    case "reserve" -> reserve(store, contents, subnet, publicIp);
                    case "release" -> release(store, contents, subnet, options.flag("yes"));
                    default -> list(store, contents, options.flag("json"));
                };
            }
        } catch (IllegalArgumentException e) {
            return complain(Command.WRONG, e.getMessage());
        } catch (IOException e) {
            return complain(Command.FAILED, e.getMessage());
        }
    }

    /** As people write it, or as the key is. */
    private static Ipv4Subnet subnet(String text) {
        Ipv4Subnet subnet = text.contains("/") ? Ipv4Subnet.parse(text) : Ipv4Subnet.parseKey(text);
        if (!text.startsWith(subnet.base() + "")) {
            throw new IllegalArgumentException(text + " is not a subnet: that address is in " + subnet);
        }
        return subnet;
    }

    private int complain(int status, String sentence) {
        stderr.println(sentence);
        return status;
    }

    private int list(ServedStore store, NetworkContents contents, boolean json) throws IOException, InterruptedException {
        if (contents.config() == null && contents.entries().isEmpty() && !json) {
            return Command.FAILED; // all has been said
        }
        LeaseListing listing = new LeaseListing(contents.withEnds(store));
        stdout.print(json ? listing.json() : listing.table());
        stdout.flush();
        return contents.config() == null ? Command.FAILED : Command.OK;
    }

    private int reserve(ServedStore store, NetworkContents contents, Ipv4Subnet subnet, Ipv4 publicIp) throws IOException, InterruptedException {
        if (contents.config() == null) {
            return Command.FAILED;
        }
        NetworkConfig config = NetworkConfig.parse(contents.config());
        if (!config.allows(subnet)) {
            return complain(Command.FAILED, "subnet " + subnet + " is none of the network's: those are the /" + config.subnetLength() + " of "
                    + config.subnetMin() + " ... " + config.subnetMax());
        }
        store.reserve(subnet, publicIp);
        stdout.println(subnet + " is reserved for " + publicIp + ", for ever");
        return Command.OK;
    }

    private int release(ServedStore store, NetworkContents contents, Ipv4Subnet subnet, boolean yes) throws IOException, InterruptedException {
        if (!(contents.find(LeaseKey.of(subnet)).orElse(null) instanceof Lease lease)) {
            throw new LeaseConflictException("there is no lease of " + subnet);
        }
        String holder = lease.attributes().publicIp().toString();
        if (yes) {
            store.giveBack(lease);
            stdout.println(subnet + " is free: it was " + (lease.isReservation() ? "reserved for " : "a lease of ") + holder
                    + ", which gets another if it still asks");
            return Command.OK;
        }
        if (!lease.isReservation()) {
            return complain(Command.FAILED, subnet + " is no reservation but a lease of " + holder + ", and ends by itself unless that renews it;"
                    + " with -yes it is taken away from a host that may be using it");
        }
        store.release(subnet);
        stdout.println(subnet + " is no reservation any more: it is free in 24 hours, unless " + holder + " renews it");
        return Command.OK;
    }

    /** From one of etcd's stores to the other. */
    private int copy(Options options, Map<String, String> environment) throws IOException, InterruptedException {
        String from = options.text("from");
        String to = options.text("to");
        if (!List.of("v2", "v3").containsAll(List.of(from, to)) || from.equals(to)) {
            return complain(Command.WRONG, "flanneld lease copy copies between etcd's stores: give -from=v2 -to=v3");
        }
        String network = Connections.network(options);
        try (ServedCatalog catalog = EtcdNetworks.open(Connections.etcd(options, from, environment), log);
                EtcdImport target = EtcdImport.open(Connections.etcdOf(network, options, to, environment), log)) {
            ServedStore source = catalog.network(network);
            NetworkContents contents = NetworkContents.of(source).withEnds(source);
            if (contents.config() == null) {
                return complain(Command.FAILED, "there is no " + source.configPlace() + "'s " + from + " store: nothing to copy");
            }
            return new Transfer(stdout, stderr).run(contents, target, "etcd's " + to + " store", options.flag("yes"));
        }
    }
}
