/** What a client and a server of flannel's HTTP interface say to each other, as values with their JSON; each of the two knows it, and it knows neither. */
package flannel.api;
