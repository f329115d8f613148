/** HTTP for programs: {@link flannel.server.HttpListener} with its limits, and health and metrics on it. Loaded only when it is asked for. */
package flannel.server;
