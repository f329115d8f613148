package flannel.status;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * The page's frame, {@code page.html} beside this class: its style, its script, and three gaps, for the title, the body and the data. It is read
 * when the first page is asked for, and stays: 27 KB.
 */
final class PageTemplate {

    static final String BEFORE_TITLE;
    static final String BEFORE_BODY;
    static final String BEFORE_DATA;
    static final String AFTER_DATA;

    /** See {@link Page#policy}. */
    static final String POLICY;

    static {
        String html = read();
        BEFORE_TITLE = before(html, "{{title}}");
        BEFORE_BODY = before(behind(html, "{{title}}"), "{{body}}");
        BEFORE_DATA = before(behind(html, "{{body}}"), "{{data}}");
        AFTER_DATA = behind(html, "{{data}}");
        POLICY = "default-src 'none'; script-src '" + hash(before(behind(html, "<script>"), "</script>")) + "'; style-src '"
                + hash(before(behind(html, "<style>"), "</style>"))
                + "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    private PageTemplate() {
    }

    private static String read() {
        try (InputStream in = PageTemplate.class.getResourceAsStream("page.html")) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String before(String html, String mark) {
        return html.substring(0, html.indexOf(mark));
    }

    private static String behind(String html, String mark) {
        return html.substring(html.indexOf(mark) + mark.length());
    }

    /** W3C, Content Security Policy 3, 2.3.1: hash-source. */
    private static String hash(String text) {
        try {
            return "sha256-" + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
