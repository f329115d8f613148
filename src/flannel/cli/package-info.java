/**
 * The command line: one table of {@link flannel.cli.Options} for parsing, usage and environment, and {@link flannel.cli.Command}, which makes
 * settings of them and starts the daemon. What is wrong is one sentence that names the setting, and 2 when no restart can mend it.
 */
package flannel.cli;
