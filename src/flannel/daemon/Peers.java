package flannel.daemon;

import flannel.kernel.KernelEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The kernel entries that all peers' leases ask for together. Two leases may ask for the same entry (a host that moved to another subnet
 * keeps its tunnel end point, and its old lease lives on for a day), or for two that can't stand side by side (a host that got another
 * address): then the newer lease counts, until it goes.
 *
 * @param <K> names a lease
 */
final class Peers<K> {

    /** What has to go from the kernel and what has to come. */
    record Delta(List<KernelEntry> gone, List<KernelEntry> wanted) {

        boolean isEmpty() {
            return gone.isEmpty() && wanted.isEmpty();
        }
    }

    /** Of two entries with the same place in a table the kernel can hold (or use) only one. */
    private sealed interface Place {
    }

    private record RoutePlace(Object destination) implements Place {
    }

    private record NeighbourPlace(String device, Object address) implements Place {
    }

    private record FdbPlace(String device, Object mac) implements Place {
    }

    private record AddressPlace(String device, Object address) implements Place {
    }

    private record Claim<K>(K lease, long revision, KernelEntry entry) {
    }

    private final Map<K, List<KernelEntry>> entries = new HashMap<>();
    private final Map<Place, List<Claim<K>>> claims = new HashMap<>();

    /**
     * Sets what one lease asks for; nothing, when it is gone.
     *
     * @param revision of the lease: the higher is the newer
     */
    Delta set(K lease, long revision, List<KernelEntry> wanted) {
        Set<Place> places = new LinkedHashSet<>();
        List<KernelEntry> old = wanted.isEmpty() ? entries.remove(lease) : entries.put(lease, wanted);
        if (old != null) {
            old.forEach(entry -> places.add(place(entry)));
        }
        wanted.forEach(entry -> places.add(place(entry)));
        List<KernelEntry> before = places.stream().map(this::winner).toList();
        if (old != null) {
            old.forEach(entry -> withdraw(lease, entry));
        }
        wanted.forEach(entry -> claims.computeIfAbsent(place(entry), place -> new ArrayList<>(1)).add(new Claim<>(lease, revision, entry)));
        return difference(before, places.stream().map(this::winner).toList());
    }

    private void withdraw(K lease, KernelEntry entry) {
        claims.computeIfPresent(place(entry), (place, list) -> {
            list.removeIf(claim -> claim.lease().equals(lease));
            return list.isEmpty() ? null : list;
        });
    }

    private KernelEntry winner(Place place) {
        KernelEntry newest = null;
        long revision = Long.MIN_VALUE;
        for (Claim<K> claim : claims.getOrDefault(place, List.of())) {
            if (claim.revision() > revision) {
                newest = claim.entry();
                revision = claim.revision();
            }
        }
        return newest;
    }

    private static Delta difference(List<KernelEntry> before, List<KernelEntry> after) {
        List<KernelEntry> gone = new ArrayList<>();
        List<KernelEntry> wanted = new ArrayList<>();
        for (int i = 0; i < before.size(); i++) {
            KernelEntry old = before.get(i);
            KernelEntry now = after.get(i);
            if (old != null && !old.equals(now)) {
                gone.add(old);
            }
            if (now != null && !now.equals(old)) {
                wanted.add(now);
            }
        }
        return new Delta(gone, wanted);
    }

    /** What one lease asks for; empty for nothing. */
    List<KernelEntry> of(K lease) {
        return entries.getOrDefault(lease, List.of());
    }

    /** All entries that count. */
    Collection<KernelEntry> all() {
        List<KernelEntry> all = new ArrayList<>(claims.size());
        claims.keySet().forEach(place -> all.add(winner(place)));
        return all;
    }

    private static Place place(KernelEntry entry) {
        return switch (entry) {
            case KernelEntry.Route route -> new RoutePlace(route.destination());
            case KernelEntry.Neighbour neighbour -> new NeighbourPlace(neighbour.device(), neighbour.address());
            case KernelEntry.Fdb fdb -> new FdbPlace(fdb.device(), fdb.mac());
            case KernelEntry.Address address -> new AddressPlace(address.device(), address.address());
        };
    }
}
