package flannel.kube;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import flannel.lease.Lease;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Spoiled kubeconfigs, and nodes as an API server tells of them. */
public final class KubeFuzz {

    private static final String KUBECONFIG = """
            # written by kubeadm
            apiVersion: v1
            clusters:
            - cluster:
                certificate-authority-data: Y2E=   # base64
                server: "https://10.0.0.1:6443/"
              name: one
            - name: 'it''s two'
              cluster: {"server": "http://10.0.0.2:8080"}
            contexts:
              - context:
                  cluster: one
                  user: flannel
                name: flannel@one
            current-context: flannel@one
            preferences: {}
            users:
            - name: flannel
              user:
                client-certificate: pki/flannel.crt
                client-key: /etc/flannel.key
                note: |-
                  more
                    lines
                tokenFile: token
            """;

    private static final String NODE = "{\"metadata\":{\"name\":\"node1\",\"uid\":\"u-1\",\"resourceVersion\":\"77\",\"annotations\":{"
            + "\"flannel.alpha.coreos.com/kube-subnet-manager\":\"true\",\"flannel.alpha.coreos.com/backend-type\":\"vxlan\","
            + "\"flannel.alpha.coreos.com/backend-data\":\"{\\\"VtepMAC\\\":\\\"6a:c2:56:ce:ab:ac\\\"}\","
            + "\"flannel.alpha.coreos.com/public-ip\":\"192.168.32.211\"}},\"spec\":{\"podCIDR\":\"10.1.5.0/24\","
                    + "\"podCIDRs\":[\"10.1.5.0/24\",\"fd00::/64\"]}}";

    private static final Annotations ANNOTATIONS = Annotations.of("flannel.alpha.coreos.com");

    private KubeFuzz() {
    }

    public static List<Target> targets() {
        Path file = Target.folder("config").resolve("config");
        Set<String> wanted = new HashSet<>(Node.MEMBERS);
        wanted.addAll(ANNOTATIONS.names());
        return List.of(
                new Target("kubeconfig", Target.texts(KUBECONFIG, "{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\","
                + "\"context\":{\"cluster\":\"b\"}}],"
                        + "\"clusters\":[{\"name\":\"b\",\"cluster\":{\"server\":\"http://h:1\"}}]}"), Mutation::bytes,
                        Set.of(IllegalArgumentException.class),
                        (input, dice) -> Kubeconfig.read(Files.write(file, input), "")),
                new Target("YAML", Target.texts(KUBECONFIG, "- - a\n  - b: c\n    d:\n- e\n",
                        "---\na: [1, {\"b\": 2}] # c\n'd e': \"f\"\n"), Mutation::bytes,
                        Set.of(IllegalArgumentException.class), (input, dice) -> Yaml.parse(Target.text(input))),
                new Target("node", Target.texts(NODE), JsonMutation::mutate, Set.of(JsonException.class), (input, dice) -> {
                    JsonParser parser = new JsonParser(new ByteArrayInputStream(input), JsonLimits.ANSWER, wanted);
                    for (JsonValue json = parser.next(); json != null; json = parser.next()) {
                        Node node = Node.parse(json);
                        if (ANNOTATIONS.entry(node) instanceof Lease lease) {
                            ANNOTATIONS.says(node, lease.attributes());
                        }
                    }
                }));
    }
}
