package flannel.kernel;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The network's own device: adopted, made, made anew, and kept as it should be. */
final class OwnLink {

    private final Log log;
    private final KernelTables tables;
    /** Name of the VXLAN device that we have had, and the address that its peers know it by. */
    private String knownName = "";
    private MacAddress knownMac;
    private boolean touched;
    /** Told once, and not tried at each look. */
    private boolean checksumsRefused;

    OwnLink(Log log, KernelTables tables) {
        this.log = log;
        this.tables = tables;
    }

    /** The address that the device will have whatever is wanted: the one its peers know, or that of a device which can be kept. */
    Optional<MacAddress> address(Link.Vxlan wanted) throws SystemCallException {
        return knownName.equals(wanted.name()) ? Optional.of(knownMac)
                : tables.link(wanted.name()).filter(there -> unchangeable(there, wanted).isEmpty()).map(Found.Link::mac);
    }

    /** Removes a device that a former state had. */
    void remove(Link.Vxlan former) throws SystemCallException {
        Optional<Found.Link> there = tables.link(former.name());
        if (there.isPresent()) {
            log.info("Removing device " + former.name() + ": the network no longer uses it");
            tables.deleteLink(there.get().index(), former.name());
        }
        knownName = "";
    }

    /**
     * Makes the device be there and be as wanted.
     *
     * @return its index
     */
    int ensure(Link wanted, int underlayIndex) throws SystemCallException {
        touched = false;
        return switch (wanted) {
            case Link.Vxlan vxlan -> ensure(vxlan, underlayIndex);
            case Link.Tun tun -> {
                Found.Link there = tables.link(tun.name())
                        .orElseThrow(() -> new SystemCallException("find TUN device " + tun.name(), Errno.ENODEV));
                if (differs(there, tun, underlayIndex)) {
                    touched = true;
                    tables.setLink(there.index(), tun.name(), tun.mtu(), null, tun.queueLength());
                }
                yield there.index();
            }
        };
    }

    private int ensure(Link.Vxlan wanted, int underlayIndex) throws SystemCallException {
        Found.Link there = tables.link(wanted.name()).orElse(null);
        if (there != null && unchangeable(there, wanted).isEmpty() && !changeable(there, wanted, underlayIndex).isEmpty()) {
            there = changed(there, wanted, underlayIndex);
        }
        if (there != null) {
            List<String> disagreements = disagreements(there, wanted, underlayIndex);
            if (!disagreements.isEmpty()) {
                log.warning("\"" + wanted.name() + "\" already exists with incompatible configuration: "
                        + String.join(", ", disagreements) + "; recreating device");
                tables.deleteLink(there.index(), wanted.name());
                there = null;
            }
        }
        boolean known = knownName.equals(wanted.name());
        if (there == null) {
            if (known) {
                log.warning("Device " + wanted.name() + " is made anew");
            }
            there = create(wanted, known ? knownMac : wanted.address(), underlayIndex);
        } else if (!known) {
            log.info("Adopting device " + wanted.name() + " with address " + there.mac());
            tables.stopAskingUserSpace(wanted.name());
        }
        if (!known) {
            knownName = wanted.name();
            knownMac = there.mac();
        }
        if (differs(there, wanted, underlayIndex)) {
            MacAddress mac = there.mac().equals(knownMac) ? null : knownMac;
            if (mac != null) {
                log.warning("Putting back the address of " + wanted.name() + ": " + there.mac() + " vs " + mac + ", which its peers know");
            }
            touched = true;
            tables.setLink(there.index(), wanted.name(), wanted.mtu(), mac, -1);
        }
        if (checksumsDiffer(wanted)) {
            touched = true;
            setChecksums(wanted);
        }
        return there.index();
    }

    /** A device that has to go without is better than none. */
    private void setChecksums(Link.Vxlan wanted) {
        try {
            tables.setSendChecksums(wanted.name(), wanted.checksums() == ChecksumOffload.ON);
            log.info("Checksum offload of " + wanted.name() + " switched " + (wanted.checksums() == ChecksumOffload.ON ? "on" : "off"));
        } catch (SystemCallException e) {
            checksumsRefused = true;
            log.warning("Checksum offload of " + wanted.name() + " stays as it is: " + e.getMessage());
        }
    }

    private boolean checksumsDiffer(Link.Vxlan wanted) {
        if (wanted.checksums() == ChecksumOffload.LEAVE || checksumsRefused) {
            return false;
        }
        try {
            return tables.sendChecksums(wanted.name()) != (wanted.checksums() == ChecksumOffload.ON);
        } catch (SystemCallException e) {
            return false; // it is gone, of which there is other news, or knows nothing of checksums
        }
    }

    /** Whether the device was other than wanted when it was last {@link #ensure looked at}. */
    boolean touched() {
        return touched;
    }

    /** The device as it is after the attempt to change it while packets flow, which older kernels refuse. */
    private Found.Link changed(Found.Link there, Link.Vxlan wanted, int underlayIndex) throws SystemCallException {
        log.info("Device " + wanted.name() + " follows the interface to the other hosts: "
                + String.join(", ", changeable(there, wanted, underlayIndex)));
        try {
            tables.changeVxlan(there.index(), wanted, underlayIndex);
        } catch (SystemCallException e) {
            log.info(e.getMessage());
        }
        return tables.link(wanted.name()).orElse(null);
    }

    private Found.Link create(Link.Vxlan wanted, MacAddress mac, int underlayIndex) throws SystemCallException {
        try {
            tables.createVxlan(wanted, mac, underlayIndex);
        } catch (SystemCallException e) {
            if (e.errno() == Errno.EEXIST) {
                throw inTheWay(wanted, e);
            }
            throw e;
        }
        return tables.link(wanted.name()).orElseThrow(() -> new SystemCallException("find new device " + wanted.name(), Errno.ENODEV));
    }

    /** The kernel takes each pair of VNI and port once, and does not say who has it. */
    private SystemCallException inTheWay(Link.Vxlan wanted, SystemCallException refusal) throws SystemCallException {
        for (Found.Link link : tables.links()) {
            if (link.vxlan() != null && link.vxlan().vni() == wanted.vni() && link.vxlan().port() == wanted.port()) {
                return new SystemCallException("create VXLAN device " + wanted.name(), Errno.EEXIST, "device " + link.name()
                        + " already uses VNI " + wanted.vni() + " on UDP port " + wanted.port() + "; remove it (ip link delete "
                        + link.name() + ") or choose another VNI or Port in the network's config");
            }
        }
        return refusal;
    }

    /** Whether a device of the right name is other than wanted in anything that is looked after. */
    boolean differs(Found.Link there, Link wanted, int underlayIndex) {
        boolean differs = !there.up() || there.mtu() != wanted.mtu();
        return switch (wanted) {
            case Link.Vxlan vxlan -> differs || there.mac() == null || knownName.equals(vxlan.name()) && !there.mac().equals(knownMac)
                    || !disagreements(there, vxlan, underlayIndex).isEmpty() || checksumsDiffer(vxlan);
            case Link.Tun tun -> differs || there.queueLength() != tun.queueLength();
        };
    }

    private static List<String> disagreements(Found.Link there, Link.Vxlan wanted, int underlayIndex) {
        List<String> all = unchangeable(there, wanted);
        all.addAll(changeable(there, wanted, underlayIndex));
        return all;
    }

    /** Where a device differs in what newer kernels can change on it. */
    private static List<String> changeable(Found.Link there, Link.Vxlan wanted, int underlayIndex) {
        List<String> all = new ArrayList<>();
        if (there.vxlan() != null) {
            Ipv4 local = there.vxlan().local();
            compare(all, "local address", local == null ? "none" : local, wanted.local());
            compare(all, "underlay interface index", there.vxlan().underlay(), underlayIndex);
        }
        return all;
    }

    /** Where a device differs in what no kernel can change on it. */
    private static List<String> unchangeable(Found.Link there, Link.Vxlan wanted) {
        List<String> all = new ArrayList<>();
        Found.Vxlan is = there.vxlan();
        if (is == null) {
            all.add("type: " + (there.kind().isEmpty() ? "hardware" : there.kind()) + " vs vxlan");
            return all;
        }
        compare(all, "vni", is.vni(), wanted.vni());
        compare(all, "port", is.port(), wanted.port());
        compare(all, "learning", is.learning(), wanted.learning());
        compare(all, "gbp", is.gbp(), wanted.gbp());
        compare(all, "default destination", is.plain() ? "none" : "some", "none");
        return all;
    }

    private static void compare(List<String> all, String what, Object is, Object wanted) {
        if (!is.equals(wanted)) {
            all.add(what + ": " + is + " vs " + wanted);
        }
    }
}
