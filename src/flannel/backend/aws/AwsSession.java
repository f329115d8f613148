package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;

/**
 * This host's dealings with AWS: what it is there, and how it asks. Found out when it is first needed and kept; what can't be found out is
 * asked again the next time. For one thread at a time.
 */
final class AwsSession {

    private final Map<String, String> environment;
    private final Path home;
    private final Http http;
    private final InstantSource clock;
    private final Metadata metadata;
    private final Underlay underlay;
    private final NetworkConfig network;
    private Place place;
    private QueryApi api;

    AwsSession(Map<String, String> environment, Path home, Http http, InstantSource clock, Underlay underlay, NetworkConfig network) {
        this.environment = environment;
        this.home = home;
        this.http = http;
        this.clock = clock;
        this.underlay = underlay;
        this.network = network;
        this.metadata = new Metadata(http, environment);
    }

    Place place() throws CloudException, InterruptedException {
        if (place == null) {
            place = Place.find(metadata, underlay, network);
        }
        return place;
    }

    /** What {@link #place} has found. */
    Place known() {
        return place;
    }

    QueryApi api() throws CloudException, InterruptedException {
        if (api == null) {
            try {
                api = open(Profiles.read(environment, home).settingsInUse());
            } catch (CloudException e) {
                throw e;
            } catch (IOException | IllegalArgumentException e) {
                throw new CloudException(Kind.UNUSABLE, "setting up the requests to AWS", "", "", e.getMessage(), "");
            }
        }
        return api;
    }

    private QueryApi open(Map<String, String> profile) throws CloudException, InterruptedException {
        String region = Place.region(environment, profile, metadata);
        Endpoints endpoints = new Endpoints(environment, profile, region, "");
        if (endpoints.isUnknown()) {
            endpoints = new Endpoints(environment, profile, region, metadata.get("services/domain").orElse(""));
        }
        TokenService tokens = new TokenService(http, endpoints.of("sts"), region, clock);
        CredentialSource keys = new EnvironmentKeys(environment);
        CredentialSource container = new ContainerRole(environment, http);
        CredentialSource instance = new InstanceRole(environment, metadata);
        CredentialSource files = new SharedFiles(environment, home, tokens,
                Map.of("Environment", keys, "EcsContainer", container, "Ec2InstanceMetadata", instance));
        return new QueryApi(http, endpoints, new CredentialChain(
                List.of(keys, new WebIdentity(environment, tokens), files, container, instance), clock), clock);
    }
}
