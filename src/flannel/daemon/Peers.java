package flannel.daemon;

import flannel.kernel.KernelEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
    private record Place(Class<? extends KernelEntry> table, String device, Object destination) {

        // see Ipv4
        @Override
        public boolean equals(Object other) {
            return other instanceof Place place && place.table == table && place.device.equals(device) && place.destination.equals(destination);
        }

        @Override
        public int hashCode() {
            return 31 * table.hashCode() + destination.hashCode();
        }
    }

    /** What a lease asks for in a place, before the older leases that ask for it too; null for none. */
    private record Claim<K>(K lease, long revision, KernelEntry entry, Claim<K> older) {

        static <K> Claim<K> with(K lease, long revision, KernelEntry entry, Claim<K> others) {
            return others == null || others.revision < revision ? new Claim<>(lease, revision, entry, others)
                    : new Claim<>(others.lease, others.revision, others.entry, with(lease, revision, entry, others.older));
        }

        Claim<K> without(K whose) {
            Claim<K> rest = older == null ? null : older.without(whose);
            return lease.equals(whose) ? rest : rest == older ? this : new Claim<>(lease, revision, entry, rest);
        }
    }

    private final Map<K, List<KernelEntry>> entries = new HashMap<>();
    private final Map<Place, Claim<K>> claims = new HashMap<>();

    /**
     * Sets what one lease asks for; nothing, when it is gone.
     *
     * @param revision of the lease: the higher is the newer
     */
    Delta set(K lease, long revision, List<KernelEntry> wanted) {
        List<KernelEntry> old = wanted.isEmpty() ? entries.remove(lease) : entries.put(lease, wanted);
        Map<Place, KernelEntry> before = new LinkedHashMap<>();
        if (old != null) {
            for (KernelEntry entry : old) {
                claims.computeIfPresent(noted(entry, before), (place, claim) -> claim.without(lease));
            }
        }
        for (KernelEntry entry : wanted) {
            claims.compute(noted(entry, before), (place, others) -> Claim.with(lease, revision, entry, others));
        }
        return difference(before);
    }

    /** The place of an entry; what counts there now is noted, unless that was done. */
    private Place noted(KernelEntry entry, Map<Place, KernelEntry> before) {
        Place place = place(entry);
        if (!before.containsKey(place)) {
            before.put(place, winner(place));
        }
        return place;
    }

    private KernelEntry winner(Place place) {
        Claim<K> newest = claims.get(place);
        return newest == null ? null : newest.entry();
    }

    private Delta difference(Map<Place, KernelEntry> before) {
        List<KernelEntry> gone = new ArrayList<>();
        List<KernelEntry> wanted = new ArrayList<>();
        before.forEach((place, old) -> {
            KernelEntry now = winner(place);
            if (old != null && !old.equals(now)) {
                gone.add(old);
            }
            if (now != null && (old == null || !old.equals(now))) {
                wanted.add(now);
            }
        });
        return new Delta(gone, wanted);
    }

    /** What one lease asks for; empty for nothing. */
    List<KernelEntry> of(K lease) {
        return entries.getOrDefault(lease, List.of());
    }

    /** All entries that count. */
    Collection<KernelEntry> all() {
        List<KernelEntry> all = new ArrayList<>(claims.size());
        claims.values().forEach(claim -> all.add(claim.entry()));
        return all;
    }

    private static Place place(KernelEntry entry) {
        return switch (entry) {
            case KernelEntry.Route route -> new Place(KernelEntry.Route.class, "", route.destination()); // of whatever device
            case KernelEntry.Unreachable none -> new Place(KernelEntry.Unreachable.class, "", none.destination());
            case KernelEntry.Neighbour neighbour -> new Place(KernelEntry.Neighbour.class, neighbour.device(), neighbour.address());
            case KernelEntry.Fdb fdb -> new Place(KernelEntry.Fdb.class, fdb.device(), fdb.mac());
            case KernelEntry.Address address -> new Place(KernelEntry.Address.class, address.device(), address.address());
        };
    }
}
