package flannel.backend.aws;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The parameters of a query request, in order: name, value, name, value. */
final class Form {

    private final String action;
    private final List<String> pairs = new ArrayList<>();

    Form(String action, String version) {
        this.action = action;
        with("Action", action).with("Version", version);
    }

    private Form(Form other) {
        this.action = other.action;
        this.pairs.addAll(other.pairs);
    }

    /** Another one with the same parameters. */
    Form copy() {
        return new Form(this);
    }

    String action() {
        return action;
    }

    Form with(String name, String value) {
        pairs.add(encoded(name) + "=" + encoded(value));
        return this;
    }

    /** Everything but letters, digits and {@code -_.~} by its bytes (RFC 3986); URLEncoder follows HTML's rules in three cases. */
    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    @Override
    public String toString() {
        return String.join("&", pairs);
    }
}
