/**
 * JSON (RFC 8259), read from streams that cannot be trusted: every value has {@link flannel.json.JsonLimits}, long lists are handed on element by
 * element, and what is too large is read over, not kept; and from bodies that are still arriving, {@link flannel.json.JsonBody}, until their time is up.
 */
package flannel.json;
