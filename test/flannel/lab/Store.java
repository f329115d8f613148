package flannel.lab;

import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonValue;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/**
 * What a test writes to the lab's etcd and reads from it, in the same words for its two stores. It speaks plain HTTP from inside etcd's
 * namespace, so that it shares nothing with the code under test. Keys are those below the network's prefix: {@code config},
 * {@code subnets/10.1.83.0-24}.
 */
public sealed interface Store {

    /** etcd's two stores, which know nothing of each other. */
    enum Api { V2, V3 }

    Api api();

    /** Writes a key that stays. */
    void put(String key, String value);

    /** Writes a key that expires. */
    void put(String key, String value, int ttlSeconds);

    /** The key's value; null when there is none. */
    String get(String key);

    /** Seconds until the key expires; -1 when it does not, or is not there. */
    long ttlSeconds(String key);

    /** Keys of all leases: {@code 10.1.83.0-24}, in no particular order. */
    List<String> leases();

    void delete(String key);

    /** Deletes everything below the prefix in one stroke: {@code etcdctl rm -r PREFIX}, {@code etcdctl del --prefix PREFIX/}. */
    void deleteAll();

    /** The subnets of the lease whose value contains this text, as in keys. */
    default List<String> leasesWith(String text) {
        return leases().stream().filter(key -> String.valueOf(get("subnets/" + key)).contains(text)).toList();
    }

    /** A bench's ten thousand leases, read at once: this one is the test's own, and may take what memory there is. */
    JsonLimits LIMITS = new JsonLimits(32, 1_000_000, 1 << 20, 64 << 20, 0, 0, 128 << 20);

    static Store of(Api api, Etcd etcd, NetworkNamespace namespace, String prefix) {
        return of(api, (method, path, contentType, body) -> namespace.call(() -> etcd.request(method, path, contentType, body)), prefix);
    }

    /** Of an etcd in this namespace. */
    static Store of(Api api, Etcd etcd, String prefix) {
        return of(api, etcd::request, prefix);
    }

    /** Sends a request and tells the text of its answer. */
    interface Way {
        String request(String method, String path, String contentType, String body) throws Exception;
    }

    private static Store of(Api api, Way way, String prefix) {
        Http http = (method, path, contentType, body) -> {
            try {
                return JsonValue.parse(way.request(method, path, contentType, body), LIMITS);
            } catch (JsonException e) {
                throw new AssertionError("etcd answered " + method + " " + path + " with no JSON: " + e.getMessage(), e);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        };
        return switch (api) {
            case V2 -> new V2(http, prefix);
            case V3 -> new V3(http, prefix);
        };
    }

    /** A request to etcd and its answer. */
    interface Http {
        JsonValue request(String method, String path, String contentType, String body);
    }

    /** The v2 store. */
    record V2(Http http, String prefix) implements Store {

        @Override
        public Api api() {
            return Api.V2;
        }

        @Override
        public void put(String key, String value) {
            put(key, "value=" + URLEncoder.encode(value, StandardCharsets.UTF_8), "");
        }

        @Override
        public void put(String key, String value, int ttlSeconds) {
            put(key, "value=" + URLEncoder.encode(value, StandardCharsets.UTF_8), "&ttl=" + ttlSeconds);
        }

        private void put(String key, String value, String ttl) {
            JsonValue answer = http.request("PUT", path(key), "application/x-www-form-urlencoded", value + ttl);
            if (answer.get("node") == null) {
                throw new AssertionError("PUT " + key + ": " + answer);
            }
        }

        @Override
        public String get(String key) {
            JsonValue node = http.request("GET", path(key), null, null).get("node");
            return node == null ? null : node.text("value");
        }

        @Override
        public long ttlSeconds(String key) {
            JsonValue node = http.request("GET", path(key), null, null).get("node");
            return node == null || node.get("ttl") == null ? -1 : node.integer("ttl");
        }

        @Override
        public List<String> leases() {
            JsonValue node = http.request("GET", path("subnets"), null, null).get("node");
            return node == null ? List.of() : node.list("nodes").stream()
                    .map(lease -> lease.text("key")).map(key -> key.substring(key.lastIndexOf('/') + 1)).toList();
        }

        @Override
        public void delete(String key) {
            http.request("DELETE", path(key) + "?recursive=true", null, null);
        }

        @Override
        public void deleteAll() {
            http.request("DELETE", "/v2/keys" + prefix + "?recursive=true", null, null);
        }

        private String path(String key) {
            return "/v2/keys" + prefix + "/" + key;
        }
    }

    /** The v3 store, by etcd's JSON gateway. */
    record V3(Http http, String prefix) implements Store {

        @Override
        public Api api() {
            return Api.V3;
        }

        @Override
        public void put(String key, String value) {
            call("/kv/put", JsonValue.object("key", base64(path(key)), "value", base64(value)));
        }

        @Override
        public void put(String key, String value, int ttlSeconds) {
            String lease = call("/lease/grant", JsonValue.object("TTL", ttlSeconds)).text("ID");
            call("/kv/put", JsonValue.object("key", base64(path(key)), "value", base64(value), "lease", lease));
        }

        @Override
        public String get(String key) {
            JsonValue found = find(key);
            return found == null ? null : text(found, "value");
        }

        @Override
        public long ttlSeconds(String key) {
            JsonValue found = find(key);
            if (found == null || found.get("lease") == null) {
                return -1;
            }
            return call("/lease/timetolive", JsonValue.object("ID", found.text("lease"))).integer("TTL");
        }

        @Override
        public List<String> leases() {
            String first = path("subnets/");
            String end = path("subnets0");                                  // '0' follows '/'
            return call("/kv/range", JsonValue.object("key", base64(first), "range_end", base64(end), "keys_only", true))
                    .list("kvs").stream().map(kv -> text(kv, "key").substring(first.length())).toList();
        }

        @Override
        public void delete(String key) {
            call("/kv/deleterange", JsonValue.object("key", base64(path(key))));
        }

        @Override
        public void deleteAll() {
            call("/kv/deleterange", JsonValue.object("key", base64(prefix + "/"), "range_end", base64(prefix + "0")));
        }

        private JsonValue find(String key) {
            List<JsonValue> found = call("/kv/range", JsonValue.object("key", base64(path(key)))).list("kvs");
            return found.isEmpty() ? null : found.getFirst();
        }

        private JsonValue call(String method, JsonValue request) {
            JsonValue answer = http.request("POST", "/v3" + method, "application/json", request.toString());
            if (answer.get("error") != null) {
                throw new AssertionError(method + ": " + answer);
            }
            return answer;
        }

        private String path(String key) {
            return prefix + "/" + key;
        }

        private static String base64(String text) {
            return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        private static String text(JsonValue object, String member) {
            return new String(Base64.getDecoder().decode(object.text(member)), StandardCharsets.UTF_8);
        }
    }
}
