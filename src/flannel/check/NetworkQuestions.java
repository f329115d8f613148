package flannel.check;

import java.util.ArrayList;
import java.util.List;

/** Can this host's networks be had beside each other? */
final class NetworkQuestions {

    private NetworkQuestions() {
    }

    static List<Finding> ask(List<Scene> scenes) {
        List<Finding> findings = new ArrayList<>();
        for (int second = 1; second < scenes.size(); second++) {
            for (int first = 0; first < second; first++) {
                Scene one = scenes.get(first);
                Scene other = scenes.get(second);
                String clash = one.config() == null || other.config() == null ? "" : clash(one, other);
                if (!clash.isEmpty()) {
                    findings.add(Finding.fail("networks", one.setup().network() + " and " + other.setup().network()
                            + " can't be had on one host: " + clash,
                            "write the config of one of the two again, " + one.setup().etcd().folder() + "/config or "
                            + other.setup().etcd().folder() + "/config"));
                }
            }
        }
        return findings;
    }

    private static String clash(Scene one, Scene other) {
        if (one.config().network().overlaps(other.config().network())) {
            return "their ranges " + one.config().network() + " and " + other.config().network() + " overlap; change \"Network\"";
        }
        String type = one.config().backendType();
        if (type.equals("vxlan") && other.config().backendType().equals(type) && one.vni() == other.vni()) {
            return "both want the device " + one.device() + "; change \"VNI\"";
        }
        boolean share = type.equals("vxlan") && other.config().backendType().equals(type);
        return one.port() != 0 && one.port() == other.port() && !share ? "both want UDP port " + one.port() + "; change \"Port\"" : "";
    }
}
