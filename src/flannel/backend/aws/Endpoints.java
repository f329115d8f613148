package flannel.backend.aws;

import java.net.URI;
import java.util.Locale;
import java.util.Map;

/**
 * Where a region's services are. An address that the environment or the profile gives comes before the rule of names.
 *
 * @param environment the process's
 * @param profile     the profile's settings
 * @param region      "us-east-1"
 * @param domain      the partition's, where the region's name does not tell; empty for unknown
 */
record Endpoints(Map<String, String> environment, Map<String, String> profile, String region, String domain) {

    /** @throws IllegalArgumentException when an address was given that can't be one */
    URI of(String service) {
        String configured = configured(service);
        if (!configured.isEmpty()) {
            URI uri = checked("endpoint of " + service, configured);
            return uri.getRawPath().isEmpty() ? URI.create(uri + "/") : uri;
        }
        boolean fips = isOn("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
        boolean dualStack = isOn("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
        return URI.create("https://" + service + (fips ? "-fips" : "") + "." + region + "." + suffix(dualStack) + "/");
    }

    private String configured(String service) {
        if (isOn("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")) {
            return "";
        }
        for (String name : new String[] {"AWS_ENDPOINT_URL_" + service.toUpperCase(Locale.ROOT), "AWS_ENDPOINT_URL"}) {
            if (!environment.getOrDefault(name, "").isBlank()) {
                return environment.get(name).strip();
            }
        }
        return profile.getOrDefault("endpoint_url", "");
    }

    private boolean isOn(String variable, String setting) {
        return "true".equalsIgnoreCase(environment.getOrDefault(variable, profile.getOrDefault(setting, "")));
    }

    /** Whether the region's name is of a partition that is not known here. */
    boolean isUnknown() {
        return !region.matches("(us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso[bf]?|eu-isoe|eusc-[a-z]+)-[a-z]+-\\d+");
    }

    /** The partition's domain. */
    private String suffix(boolean dualStack) {
        if (region.startsWith("cn-")) {
            return dualStack ? "api.amazonwebservices.com.cn" : "amazonaws.com.cn";
        }
        String other = region.startsWith("us-isob-") ? "sc2s.sgov.gov"
                : region.startsWith("us-isof-") ? "csp.hci.ic.gov"
                : region.startsWith("us-iso-") ? "c2s.ic.gov"
                : region.startsWith("eu-isoe-") ? "cloud.adc-e.uk"
                : region.startsWith("eusc-") ? "amazonaws.eu"
                : domain;
        if (!other.isEmpty()) {
            return other;
        }
        return dualStack ? "api.aws" : "amazonaws.com";
    }

    /** An address of the form http(s)://host[:port][/path]. */
    static URI checked(String name, String text) {
        try {
            URI uri = URI.create(text);
            if (uri.getHost() != null && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getRawUserInfo() == null && uri.getRawQuery() == null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // not a URI
        }
        throw new IllegalArgumentException(name + " \"" + text + "\" is not of the form https://host[:port]");
    }
}
