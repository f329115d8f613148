/** Words: what a misspelt one was to be. Knows nothing else. */
package flannel.text;
