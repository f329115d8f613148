/**
 * Subnets that are kept in etcd, over HTTP and JSON: each host takes its own there, by compare-and-swap. etcd has two stores that do not see
 * each other, each with an API of its own.
 *
 * <pre>
 *   EtcdSubnetStore:  LeaseKeeper (take)   StoreFollower (list, watch, list again)
 *          '-- LeaseRegistry: AutoRegistry or ForcedRegistry
 *                 '-- EtcdV2Registry, EtcdV3Registry over EtcdV3Gateway
 *                        '-- EtcdHttp: members, addresses, TLS, proxies, time limits
 * </pre>
 *
 * Both list everything with one request and watch with a chain of long requests, each cut and opened again after some seconds, so that silence
 * never lasts. A watch resumes at its cursor only while a member of the same cluster answers without a break; after a cut, with a wiped or
 * compacted store, and every few minutes in any case, everything is listed again. Revisions, etcd leases and cluster ids stay in this room:
 * to the outside a list is <em>continued</em> or it is not.
 */
package flannel.etcd;
