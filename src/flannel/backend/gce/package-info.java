/**
 * The backend "gce": this host's route among those of a Google Cloud VPC network. A small client of the Compute Engine API, with
 * credentials as Google's own tools find them. Nothing of it is loaded unless a network asks for it.
 */
package flannel.backend.gce;
