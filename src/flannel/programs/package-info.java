/** The host's other programs: what they print when they are run, and how those that run were started. Knows none of them. */
package flannel.programs;
