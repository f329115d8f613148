package flannel.lab.faults;

import flannel.lab.Await;
import flannel.lab.Etcd;
import flannel.lab.Lab;
import flannel.lab.NetworkNamespace;
import flannel.lab.Store;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** A real etcd of three members, each on a machine of its own on the lab's switch. */
final class Members implements AutoCloseable {

    /** One machine. */
    static final class Member {
        final NetworkNamespace machine;
        final String address;
        final String name;
        private Etcd etcd;

        private Member(NetworkNamespace machine, String name, String address) {
            this.machine = machine;
            this.name = name;
            this.address = address;
        }

        Etcd etcd() {
            return etcd;
        }
    }

    /** Where they speak TLS; plain HTTP is at the usual port. */
    static final int TLS_PORT = 2378;

    /** The life of a token of theirs. */
    static final int TOKEN_SECONDS = 3;

    private final List<Member> members = new ArrayList<>();
    private final Store.Api api;
    private final Certificates certificates;

    Members(Lab lab, Store.Api api) throws IOException {
        this.api = api;
        for (int i = 1; i <= 3; i++) {
            String address = "192.168.32.20" + i;
            members.add(new Member(lab.machine("etcd" + i, address), "m" + i, address));
        }
        String all = String.join(",", members.stream().map(member -> member.name + "=http://" + member.address + ":2380").toList());
        certificates = new Certificates(lab.folder("etcd"), members.stream().map(member -> member.address).toList());
        // three busy members need more patience than one; of an option that is given twice etcd takes the last
        together(member -> {
            List<String> flags = new ArrayList<>(List.of("--enable-v2", "--name=" + member.name, "--initial-cluster=" + all,
                    "--heartbeat-interval=100", "--election-timeout=1000",
                    "--listen-client-urls=http://" + member.address + ":2379," + secured(member), certificates.tokens(TOKEN_SECONDS)));
            flags.addAll(certificates.serverFlags());
            member.etcd = Etcd.startIn(member.machine.name(), member.address, flags.toArray(String[]::new));
        });
    }

    private static String secured(Member member) {
        return "https://" + member.address + ":" + TLS_PORT;
    }

    Certificates certificates() {
        return certificates;
    }

    List<Member> all() {
        return members;
    }

    /** For {@code -etcd-endpoints}. */
    String endpoints() {
        return String.join(",", members.stream().map(member -> member.etcd.endpoint()).toList());
    }

    /** The same by TLS. */
    String securedEndpoints() {
        return String.join(",", members.stream().map(Members::secured).toList());
    }

    /** Does something with all of them at a time: none is ready before a second one runs. */
    void together(Consumer<Member> action) {
        try (var threads = Executors.newCachedThreadPool()) {
            CompletableFuture.allOf(members.stream().map(member -> CompletableFuture.runAsync(() -> action.accept(member), threads))
                    .toArray(CompletableFuture[]::new)).join();
        }
    }

    /** The one that leads; the first when none can be asked. */
    Member leader() {
        return members.stream().filter(Members::leads).findFirst().orElse(members.getFirst());
    }

    private static boolean leads(Member member) {
        try {
            return member.machine.call(() -> member.etcd.request("GET", "/v2/stats/self", null, null)).contains("StateLeader");
        } catch (Exception e) {
            return false;
        }
    }

    /** Ends all, has something done to their data, and starts them again. */
    void whileDown(Consumer<Etcd> action) {
        together(member -> member.etcd.kill());
        members.forEach(member -> action.accept(member.etcd));
        together(member -> member.etcd.start());
    }

    /** The network's keys, by a member that runs. */
    Store store() {
        return Store.of(api, members.getFirst().etcd, members.getFirst().machine, Lab.PREFIX);
    }

    /** Waits until the first member, which {@link #store} asks, writes: the end of elections. */
    void awaitWritable() throws Exception {
        Await.that("etcd takes writes again", () -> {
            try {
                store().put("lab", "can be written");
                return true;
            } catch (Exception | AssertionError e) {
                return false;
            }
        });
    }

    @Override
    public void close() {
        members.stream().filter(member -> member.etcd != null).forEach(member -> member.etcd.close());
        members.forEach(member -> member.machine.close());
    }
}
