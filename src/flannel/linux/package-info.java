/**
 * The C library and the kernel's system calls, by the Foreign Function and Memory API. The only user of {@code java.lang.foreign.Linker}; its
 * names are C's ({@code sendmmsg}, {@code TUNSETIFF}), with the header that fixes each. A failed call is one {@link
 * flannel.linux.SystemCallException} that says operation, arguments and errno.
 */
package flannel.linux;
