/**
 * JSON (RFC 8259), read from streams that cannot be trusted: every value has {@link flannel.json.JsonLimits}, long lists are handed on element by
 * element, and what is too large is read over, not kept.
 */
package flannel.json;
