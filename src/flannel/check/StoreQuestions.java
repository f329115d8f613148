package flannel.check;

import flannel.etcd.EtcdSurvey;
import flannel.etcd.EtcdSurvey.Member;
import flannel.etcd.EtcdSurvey.Store;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Does the store answer, take writes, and have the network's configuration? */
final class StoreQuestions {

    private static final String SETTINGS = "/etc/sysconfig/flanneld";

    /** Leases have their time by the store's own count, so a wrong clock loses nothing; certificates and people mind it. */
    private static final Duration CLOCKS_APART = Duration.ofSeconds(10);

    private StoreQuestions() {
    }

    /** Each member by itself. */
    static List<Finding> members(Scene scene) {
        EtcdSurvey etcd = scene.etcd();
        if (etcd == null) {
            return List.of();
        }
        if (!etcd.trouble().isEmpty()) {
            return List.of(Finding.fail("etcd", etcd.trouble(), "mend the setting in " + SETTINGS));
        }
        List<Member> silent = etcd.members().stream().filter(member -> !member.trouble().isEmpty()).toList();
        List<Finding> findings = new ArrayList<>();
        if (silent.size() == etcd.members().size()) {
            // of a handshake that fails the stores' word is the better one: they ask again where a connection just ends
            findings.add(Finding.fail("etcd", silent.stream().filter(member -> member.trouble().startsWith(EtcdSurvey.UNRESOLVED))
                    .map(member -> member.url() + ": "
                    + member.trouble()).findFirst().or(() -> etcd.stores().stream().map(Store::trouble).filter(trouble ->
                    !trouble.isEmpty()).findFirst())
                    .orElseGet(() -> String.join("; ", silent.stream().map(member -> member.url() + ": " + member.trouble()).toList())),
                    "systemctl status etcd; there. If etcd runs, FLANNEL_ETCD_ENDPOINTS in " + SETTINGS
                    + " names a wrong address, port or certificate"));
            return findings;
        }
        silent.forEach(member -> findings.add(Finding.warn("etcd", member.url() + ": " + member.trouble() + "; the others answer",
                "systemctl start etcd; there, or take it out of FLANNEL_ETCD_ENDPOINTS in " + SETTINGS)));
        etcd.members().stream().filter(member -> member.health().contains("false")).forEach(member -> findings.add(ill(member)));
        if (findings.isEmpty()) {
            findings.add(Finding.ok("etcd", etcd.members().size() + (etcd.members().size() == 1 ? " endpoint answers" : " endpoints answer")));
        }
        return findings;
    }

    private static Finding ill(Member member) {
        return member.health().contains("NOSPACE")
                ? Finding.fail("etcd", member.url() + " has the alarm NOSPACE: its database has reached its quota and takes no leases any more",
                        etcdctl(member.url()) + "compact $(" + etcdctl(member.url())
                        + "endpoint status -w json | grep -o '\"revision\":[0-9]*' | cut -d: -f2) && "
                        + etcdctl(member.url()) + "defrag && " + etcdctl(member.url())
                        + "alarm disarm; defrag every member, and raise --quota-backend-bytes if it fills up again")
                : Finding.fail("etcd", member.url() + " says that it is not healthy: it has no leader, so no quorum of members",
                        etcdctl(member.url()) + "member list; shows the members: systemctl start etcd on those that are down");
    }

    /** The clocks. */
    static List<Finding> clock(Scene scene) {
        if (scene.etcd() == null) {
            return List.of();
        }
        return scene.etcd().members().stream().filter(member -> member.ahead() != null && member.ahead().abs().compareTo(CLOCKS_APART) > 0)
                .limit(1).map(member -> Finding.warn("clock", "this host's clock is " + member.ahead().abs().toSeconds() + " s "
                        + (member.ahead().isNegative() ? "ahead of" : "behind") + " that of " + member.url(), "timedatectl set-ntp true")).toList();
    }

    /** Can the user read, and is the configuration where it is looked for? */
    static List<Finding> config(Scene scene) {
        EtcdSurvey etcd = scene.etcd();
        if (etcd == null || !etcd.trouble().isEmpty() || etcd.members().stream().allMatch(member -> !member.trouble().isEmpty())) {
            return List.of();
        }
        String api = scene.setup().etcd().api();
        String key = scene.setup().etcd().folder() + "/config";
        String url = etcd.members().stream().filter(member -> member.trouble().isEmpty()).findFirst().orElseThrow().url();
        List<Store> asked = etcd.stores().stream().filter(store -> api.equals("auto") ? store.served() : store.api().equals(api)).toList();
        List<Store> withConfig = etcd.stores().stream().filter(store -> store.config() != null).toList();
        Store chosen = scene.store();
        if (chosen == null || chosen.config() == null) {
            List<Store> refused = asked.stream().filter(store -> !store.trouble().isEmpty()).toList();
            if (!refused.isEmpty()) {
                return List.of(Finding.fail("config", refused.getFirst().trouble(), refusal(refused.getFirst())));
            }
            if (!withConfig.isEmpty()) {
                return List.of(Finding.fail("config", key + " is in etcd's " + withConfig.getFirst().api() + " store, and -etcd-api=" + api
                        + " asks the other one", "sed -i 's/ *-*-etcd-api=" + api + "//' " + SETTINGS + " && systemctl restart flanneld"));
            }
            String elsewhere = etcd.stores().stream().map(Store::elsewhere).filter(prefix -> !prefix.isEmpty()).findFirst().orElse("");
            return List.of(elsewhere.isEmpty()
                    ? Finding.fail("config", "there is no key " + key + " in etcd", (asked.stream().anyMatch(store -> store.api().equals("v3"))
                            ? etcdctl(url) + "put " : etcdctl(url).replace("API=3", "API=2") + "set ") + key
                            + " '{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}';"
                            + " with your own range, apart from the hosts'; or mend FLANNEL_ETCD_PREFIX in " + SETTINGS)
                    : Finding.fail("config", "there is no key " + key + " in etcd, but there is " + elsewhere + "/config",
                            "sed -i 's|^FLANNEL_ETCD_PREFIX=.*|FLANNEL_ETCD_PREFIX=\"" + elsewhere + "\"|' " + SETTINGS
                            + " && systemctl restart flanneld"));
        }
        if (!scene.configError().isEmpty()) {
            return List.of(Finding.fail("config", key + " (etcd " + chosen.api() + "): " + scene.configError(),
                    (chosen.api().equals("v3") ? etcdctl(url) : etcdctl(url).replace("API=3", "API=2")) + "get " + key
                    + "; shows it, and " + (chosen.api().equals("v3") ? "put" : "set") + " writes it again"));
        }
        List<Finding> findings = new ArrayList<>();
        findings.add(Finding.ok("config", scene.config().network() + ", " + scene.config().backendType() + " (etcd " + chosen.api()
                + ", " + key + ")"));
        scene.config().warnings().forEach(warning -> findings.add(Finding.warn("config", warning, (chosen.api().equals("v3")
                ? etcdctl(url) : etcdctl(url).replace("API=3", "API=2")) + "get " + key + "; shows it: write it again without that")));
        return findings;
    }

    /** The beginning of a command to etcd's v3 store. */
    private static String etcdctl(String url) {
        return "ETCDCTL_API=3 etcdctl --endpoints=" + url + " ";
    }

    private static String refusal(Store store) {
        return store.trouble().contains("ermission") || store.trouble().contains("uthenticat") || store.trouble().contains("nsufficient")
                ? "give the user read and write rights to the prefix, or set -etcd-username and -etcd-password-file in " + SETTINGS
                : "etcdctl endpoint health; with the same --endpoints and certificates";
    }
}
