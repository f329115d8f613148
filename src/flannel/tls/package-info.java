/**
 * TLS as options name it, by PEM files that are read again when they change, and the HTTP clients that go by it. A client without TLS does not pay
 * for it. Knows nothing of what is said over a connection.
 */
package flannel.tls;
