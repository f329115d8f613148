package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.files.FileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * The credentials of a profile in the shared files: a key, or a role that another profile's key, or credentials of another place, may
 * assume. The files are read anew each time.
 *
 * @param named what "credential_source" may name: Environment, Ec2InstanceMetadata, EcsContainer
 */
record SharedFiles(Map<String, String> environment, Path home, TokenService tokens, Map<String, CredentialSource> named)
        implements CredentialSource {

    private static final int LONGEST_CHAIN = 5;

    @Override
    public Optional<Credentials> find() throws CloudException, InterruptedException {
        Profiles profiles;
        try {
            profiles = Profiles.read(environment, home);
        } catch (FileException e) {
            throw denied("", e.getMessage(), "");
        }
        if (profiles.settingsInUse().isEmpty() && (environment.containsKey("AWS_PROFILE") || environment.containsKey("AWS_DEFAULT_PROFILE"))) {
            throw denied(profiles.chosen(), "there is no such profile", "check AWS_PROFILE and the files below " + home.resolve(".aws"));
        }
        return credentials(profiles, profiles.chosen(), LONGEST_CHAIN);
    }

    private Optional<Credentials> credentials(Profiles profiles, String name, int left) throws CloudException, InterruptedException {
        Map<String, String> profile = profiles.settings().getOrDefault(name, Map.of());
        String role = profile.getOrDefault("role_arn", "");
        String id = profile.getOrDefault("aws_access_key_id", "");
        String source = profile.getOrDefault("source_profile", "");
        if (!role.isEmpty() && !(source.equals(name) && left < LONGEST_CHAIN)) {
            return Optional.of(tokens.assumeRole(by(profiles, name, profile, left), role,
                    profile.getOrDefault("role_session_name", "flanneld"), profile.getOrDefault("external_id", "")));
        }
        if (!id.isEmpty()) {
            return Optional.of(new Credentials(id, profile.getOrDefault("aws_secret_access_key", ""),
                    profile.getOrDefault("aws_session_token", ""), Instant.MAX, "profile " + name));
        }
        if (profile.containsKey("credential_process") || profile.containsKey("sso_session") || profile.containsKey("sso_start_url")) {
            throw denied(name, "it gets its credentials by a program or by single sign-on, which are for people",
                    "use a profile with a key or with role_arn");
        }
        return Optional.empty();
    }

    /** Who is to assume a profile's role. */
    private Credentials by(Profiles profiles, String name, Map<String, String> profile, int left) throws CloudException, InterruptedException {
        String source = profile.getOrDefault("source_profile", "");
        String place = profile.getOrDefault("credential_source", "");
        Optional<Credentials> found = Optional.empty();
        if (!source.isEmpty() && left > 0) {
            found = credentials(profiles, source, left - 1);
        } else if (named.containsKey(place)) {
            found = named.get(place).find();
        }
        return found.orElseThrow(() -> denied(name, "it has a role_arn, and "
                + (source.isEmpty() ? "credential_source \"" + place + "\"" : "source_profile \"" + source + "\"") + " gives no credentials", ""));
    }

    private static CloudException denied(String profile, String detail, String remedy) {
        return new CloudException(CloudException.Kind.DENIED, "reading the AWS profile" + (profile.isEmpty() ? "" : " " + profile), "", "",
                detail, remedy);
    }
}
