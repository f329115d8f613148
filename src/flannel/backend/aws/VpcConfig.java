package flannel.backend.aws;

import flannel.lease.NetworkConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the network's configuration says to this backend (the members of "Backend").
 *
 * @param tableIds ids of the tables to write to ("RouteTableID": a string, or an array as from flannel 0.8.0); empty to find them
 * @param tags     tags that tables must bear ("RouteTableFilter": {@code ["tag:flannel=yes"]}); empty for none
 */
record VpcConfig(List<String> tableIds, List<Tag> tags) {

    /** @param value may hold EC2's wildcards, {@code *} and {@code ?} */
    record Tag(String key, String value) {
    }

    private static final Pattern TAG = Pattern.compile("tag:([^=]+)=(.*)", Pattern.DOTALL);

    /** Reads the backend's part of a configuration; {@link IllegalArgumentException} with one sentence when a member is wrong. */
    static VpcConfig of(NetworkConfig config) {
        List<Tag> tags = new ArrayList<>();
        for (String filter : config.backendTexts("RouteTableFilter")) {
            Matcher tag = TAG.matcher(filter);
            if (!tag.matches()) {
                throw new IllegalArgumentException("Backend's RouteTableFilter \"" + filter + "\" is not of the form tag:KEY=VALUE");
            }
            tags.add(new Tag(tag.group(1), tag.group(2)));
        }
        List<String> ids = config.backendTexts("RouteTableID").stream().distinct().toList();
        for (String id : ids) {
            if (!id.matches("rtb-[0-9a-zA-Z]+")) {
                throw new IllegalArgumentException("Backend's RouteTableID \"" + id + "\" is not of the form rtb-0123456789abcdef0");
            }
        }
        if (!ids.isEmpty() && !tags.isEmpty()) {
            throw new IllegalArgumentException("Backend has both RouteTableID and RouteTableFilter; leave one of them out");
        }
        return new VpcConfig(ids, tags);
    }
}
