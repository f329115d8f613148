package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.gce.Credentials.AccessToken;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** Tokens of the service account that the instance runs as, from the metadata server. */
final class AttachedAccount implements Credentials.Source {

    private static final String ACCOUNT = "instance/service-accounts/default/";

    private final Metadata metadata;
    private final InstantSource clock;
    private String email = "the instance's service account";

    AttachedAccount(Metadata metadata, InstantSource clock) {
        this.metadata = metadata;
        this.clock = clock;
    }

    @Override
    public AccessToken fetch() throws CloudException, InterruptedException {
        Optional<String> answer = metadata.find(ACCOUNT + "token");
        if (answer.isEmpty()) {
            throw failed("the instance has no service account",
                    "attach one with the permissions that the manual lists, or name a key's file in GOOGLE_APPLICATION_CREDENTIALS");
        }
        email = metadata.find(ACCOUNT + "email").orElse(email);
        List<String> scopes = metadata.get(ACCOUNT + "scopes").lines().map(String::strip).toList();
        if (!scopes.contains(Credentials.SCOPE) && !scopes.contains(Credentials.CLOUD_PLATFORM)) {
            throw failed("its access scopes allow no changes of routes",
                    "stop the instance, and give it the scope compute-rw or cloud-platform (gcloud compute instances set-service-account)");
        }
        return AccessToken.read(answer.get(), clock.instant()).orElseThrow(() -> failed("the metadata server's answer has no token", ""));
    }

    private CloudException failed(String detail, String remedy) {
        return new CloudException(Kind.DENIED, "getting an access token", email, "", detail, remedy);
    }

    @Override
    public String account() {
        return email;
    }
}
