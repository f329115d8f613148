/** Small files of this host: read with a bound, written whole or not at all, in folders that are nobody else's. What fails is one sentence. */
package flannel.files;
