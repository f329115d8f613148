/**
 * The backend "aws-vpc": this host's route in the route tables of an Amazon VPC. Signed requests to EC2's query interface, credentials and
 * regions as AWS' own tools find them. Nothing of it is loaded unless a network asks for it.
 */
package flannel.backend.aws;
