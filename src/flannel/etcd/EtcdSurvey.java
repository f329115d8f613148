package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.HttpProxies;
import flannel.tls.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * What each member of etcd says of itself, and what each of its two stores has of the network; all asked at once, within a few seconds, and
 * nothing written.
 *
 * @param trouble why nobody could be asked, one sentence; empty when they were
 * @param stores  v2's and v3's
 */
public record EtcdSurvey(String trouble, List<Member> members, List<Store> stores) {

    private static final Duration PATIENCE = Duration.ofMillis(3_500);
    private static final EtcdTimeouts TIMEOUTS = new EtcdTimeouts(Duration.ofSeconds(1), Duration.ofMillis(2_500), Duration.ofSeconds(3), Duration.ofSeconds(1));
    /** The original's default, and that of CentOS's package. */
    private static final List<String> WELL_KNOWN = List.of("/coreos.com/network", "/atomic.io/network");

    /** What a member's trouble begins with whose name nobody tells the address of; the time follows. */
    public static final String UNRESOLVED = "its name was not resolved (/etc/resolv.conf) within ";

    private static final int MOST_ENDS = 250;
    private static final int ENDS_AT_A_TIME = 8;

    private static final int LONGEST_HEALTH = 1_000;

    /**
     * A member.
     *
     * @param trouble why it can't be asked; empty when it answers
     * @param health  what it says of itself (/health), as it stands there: {@code {"health":"true"}}; empty for nothing
     * @param ahead   of this host's clock; null when it does not tell its time
     */
    public record Member(String url, String trouble, String health, Duration ahead) {
    }

    /**
     * One of etcd's stores.
     *
     * @param served  false when this etcd does not have it
     * @param config  the network's; null for none
     * @param trouble   why it can't be read, one sentence; empty when it can
     * @param elsewhere a prefix under which other installations have their config, when one is there and none under the one asked for; else empty
     */
    public record Store(String api, boolean served, String config, List<Entry> entries, String trouble, String elsewhere) {

        Store(String api, boolean served, String trouble) {
            this(api, served, null, List.of(), trouble, "");
        }
    }

    /** Asks. */
    public static EtcdSurvey of(EtcdOptions options, Log log) throws InterruptedException {
        List<String> urls;
        Tls tls;
        try {
            options.check();
            urls = options.urls();
            tls = Tls.read(options.tls(), log);
        } catch (IllegalArgumentException e) {
            return new EtcdSurvey(e.getMessage(), List.of(), List.of());
        }
        HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUTS.connect())
                .proxy(new HttpProxies(options.environment()));
        if (tls != null) {
            builder.sslContext(tls.context());
        }
        Set<String> unresolved = ConcurrentHashMap.newKeySet();
        EtcdHttp http = new EtcdHttp(urls, new HttpProxies(options.environment()), tls, TIMEOUTS);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor(); HttpClient client = builder.build()) {
            List<Future<Member>> members = urls.stream().map(url -> threads.submit(() -> {
                resolve(url, unresolved);
                return member(client, url);
            })).toList();
            List<Future<Store>> stores = List.of(
                    threads.submit(store(keys -> new EtcdV2Registry(http, keys, options.username(), options.password()), options)),
                    threads.submit(store(keys -> new EtcdV3Registry(http, keys,
                            new EtcdV3Gateway(http, keys.folder(), options.username(), options.password())), options)));
            long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
            List<Member> told = new ArrayList<>();
            for (int i = 0; i < urls.size(); i++) {
                Member member = await(members.get(i), deadlineNanos, null);
                told.add(member != null ? member : new Member(urls.get(i), (unresolved.contains(urls.get(i)) ? UNRESOLVED : "no answer within ")
                        + PATIENCE.toMillis() + " ms", "", null));
            }
            String silent = "etcd at " + String.join(", ", urls) + " did not answer within " + PATIENCE.toMillis() + " ms: it has no quorum, hangs, or is cut off";
            Store v2 = await(stores.get(0), deadlineNanos, new Store("v2", true, silent));
            Store v3 = await(stores.get(1), deadlineNanos, new Store("v3", true, silent));
            http.close();
            threads.shutdownNow();
            client.shutdownNow();
            return new EtcdSurvey("", told, List.of(v2, v3));
        }
    }

    private static <T> T await(Future<T> answer, long deadlineNanos, T none) throws InterruptedException {
        try {
            return answer.get(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            return none;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause()); // they tell of all that can happen
        }
    }

    /** @param make makes the store of a prefix */
    private static Callable<Store> store(Function<LeaseKeys, EtcdStore> make, EtcdOptions options) {
        EtcdStore store = make.apply(new LeaseKeys(options.folder()));
        return () -> {
            try {
                LeaseRegistry.Snapshot snapshot = store.list();
                String elsewhere = "";
                for (String prefix : snapshot.config() == null ? WELL_KNOWN : List.<String>of()) {
                    elsewhere = make.apply(new LeaseKeys(prefix)).config() == null ? elsewhere : prefix;
                }
                return new Store(store.api(), true, snapshot.config(), withEnds(store, snapshot.entries()), "", elsewhere);
            } catch (NotServedException e) {
                return new Store(store.api(), false, e.getMessage());
            } catch (StoreException e) {
                return new Store(store.api(), true, e.getMessage());
            }
        };
    }

    /** The v3 store tells when a lease ends only when it is asked for each; those that it does not tell of soon stay as they are. */
    private static List<Entry> withEnds(EtcdStore store, List<Entry> entries) throws InterruptedException {
        List<Lease> open = entries.stream().filter(entry -> entry instanceof Lease lease && lease.expiry() instanceof Lease.Unknown).map(Lease.class::cast).toList();
        if (open.isEmpty() || open.size() > MOST_ENDS) {
            return entries;
        }
        Map<LeaseKey, Lease> told = new ConcurrentHashMap<>();
        try (ExecutorService few = Executors.newFixedThreadPool(ENDS_AT_A_TIME, Thread.ofVirtual().factory())) {
            few.invokeAll(open.stream().map(lease -> (Callable<Lease>) () -> told.put(lease.key(), store.withEnd(lease))).toList(),
                    TIMEOUTS.connect().toMillis(), TimeUnit.MILLISECONDS);
        }
        return entries.stream().map(entry -> told.containsKey(entry.key()) ? told.get(entry.key()) : entry).toList();
    }

    /** Looks its name up, which takes long where /etc/resolv.conf names a server that does not answer. */
    private static void resolve(String url, Set<String> unresolved) {
        unresolved.add(url);
        try {
            InetAddress.getAllByName(URI.create(url).getHost());
        } catch (UnknownHostException e) {
            // then a proxy knows it, or asking it tells so
        }
        unresolved.remove(url);
    }

    private static Member member(HttpClient client, String url) throws InterruptedException {
        HttpResponse<InputStream> version;
        try {
            version = ask(client, url + "/version", null); // which it knows without the others
            text(version);
        } catch (IOException e) {
            return new Member(url, Failure.reason(e, new Endpoint(url, InetAddress::getAllByName), TIMEOUTS), "", null);
        }
        return new Member(url, "", health(client, url), version.headers().firstValue("Date").map(EtcdSurvey::ahead).orElse(null));
    }

    /** It looks for its leader, which without a quorum takes longer than anybody waits. */
    private static String health(HttpClient client, String url) throws InterruptedException {
        try {
            String health = text(ask(client, url + "/health", null));
            // etcd 3.4 does not say why it is ill
            return health.contains("false") ? health + text(ask(client, url + "/v3/maintenance/alarm", "{\"action\":\"GET\"}")) : health;
        } catch (IOException e) {
            return "{\"health\":\"false\"}: " + Failure.reason(e, new Endpoint(url, InetAddress::getAllByName), TIMEOUTS);
        }
    }

    private static HttpResponse<InputStream> ask(HttpClient client, String url, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).timeout(TIMEOUTS.connect());
        return client.send((body == null ? request : request.POST(HttpRequest.BodyPublishers.ofString(body))).build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    private static String text(HttpResponse<InputStream> answer) throws IOException {
        try (InputStream body = answer.body()) {
            return new String(body.readNBytes(LONGEST_HEALTH), StandardCharsets.UTF_8).strip();
        }
    }

    /** Whole seconds are told, so the middle of that second. */
    private static Duration ahead(String date) {
        try {
            return Duration.between(Instant.now(), Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date)).plusMillis(500));
        } catch (DateTimeException e) {
            return null;
        }
    }
}
