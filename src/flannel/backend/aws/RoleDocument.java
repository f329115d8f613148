package flannel.backend.aws;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** What metadata service and container agents answer: {@code {"Code":"Success","AccessKeyId":..,"SecretAccessKey":..,"Token":..,"Expiration":..}}. */
final class RoleDocument {

    private RoleDocument() {
    }

    /** @throws IOException with a sentence that holds nothing secret */
    static Credentials parse(String json, String source) throws IOException {
        JsonValue document;
        try {
            document = JsonValue.parse(json);
        } catch (JsonException e) {
            throw new IOException("the answer is not JSON");
        }
        String code = document.text("Code");
        if (!code.isEmpty() && !code.equals("Success")) {
            throw new IOException(code + " " + document.text("Message"));
        }
        try {
            Credentials key = new Credentials(document.text("AccessKeyId"), document.text("SecretAccessKey"), document.text("Token"),
                    Instant.parse(document.text("Expiration")), source);
            if (!key.accessKeyId().isEmpty() && !key.secretAccessKey().isEmpty()) {
                return key;
            }
        } catch (DateTimeParseException e) {
            // as bad as none
        }
        throw new IOException("the answer has no key, or no time at which it ends");
    }
}
