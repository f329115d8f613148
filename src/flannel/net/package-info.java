/** Small values of the network's: an address, a range, a hardware address. They know their own text form and nothing else. */
package flannel.net;
