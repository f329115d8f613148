package flannel.status;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** The page's frame, {@code page.html} beside this class: its style, its script, and three gaps. Read for each page, so that it stays in no memory. */
final class PageTemplate {

    private PageTemplate() {
    }

    /** @param title HTML, as {@code body}; {@code data} is JSON without a less-than sign */
    static String fill(String title, String body, String data) {
        String[] parts = read().split("\\{\\{(title|body|data)}}", -1);
        return parts[0] + title + parts[1] + body + parts[2] + data + parts[3];
    }

    static String policy() {
        String html = read();
        return "default-src 'none'; script-src '" + hash(inside(html, "<script>", "</script>")) + "'; style-src '"
                + hash(inside(html, "<style>", "</style>")) + "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    private static String read() {
        try (InputStream in = PageTemplate.class.getResourceAsStream("page.html")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String inside(String html, String begin, String end) {
        int start = html.indexOf(begin) + begin.length();
        return html.substring(start, html.indexOf(end, start));
    }

    /** W3C, Content Security Policy 3, 2.3.1: hash-source. */
    private static String hash(String text) {
        try {
            return "sha256-" + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
