/**
 * Netlink (RFC 3549, netlink(7), rtnetlink(7)): a codec that only knows bytes, and a socket that asks and listens. Nothing of flannel
 * in it. The C names of headers, types and attributes are kept, each with the header that fixes its number.
 */
package flannel.netlink;
