/**
 * Leases in etcd, over HTTP and JSON. etcd has two stores that do not see each other, each with an API of its own: {@link
 * flannel.etcd.EtcdV2Registry} and {@link flannel.etcd.EtcdV3Registry}. Both list everything with one request and watch with a chain of
 * long requests, each cut and opened again after some seconds, so that silence never lasts. A watch resumes at its cursor only while a
 * member of the same cluster answers without a break; after a cut, and with a wiped or compacted store, the caller lists again.
 */
package flannel.etcd;
