/**
 * Log lines in glog's form. One event, one line: text from outside steers no terminal and has a bound, and a flood of one kind is counted, not
 * written.
 */
package flannel.log;
