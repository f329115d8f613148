package flannel.check;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Does a policy of IPsec (ip-xfrm(8)) block what goes between containers, or between the hosts? No packet filter shows those. */
final class IpsecQuestions {

    private static final int MOST_DELETED = 5;

    private IpsecQuestions() {
    }

    /**
     * A policy.
     *
     * @param selector  as ip(8) takes it
     * @param direction in, out or fwd
     * @param protocol  empty for all
     * @param blocks    whether what it is for is dropped
     * @param priority  the lowest counts
     */
    record Policy(String selector, Ipv4Subnet from, Ipv4Subnet to, String protocol, String direction, boolean blocks, long priority) {

        boolean isFor(String way, Ipv4 source, Ipv4 destination, String with) {
            return direction.equals(way) && from.contains(source) && to.contains(destination) && (protocol.isEmpty() || protocol.equals(with));
        }
    }

    static List<Finding> ask(Scene scene) throws InterruptedException {
        if (scene.config() == null || scene.own() == null || scene.underlay() == null) {
            return List.of();
        }
        List<Policy> policies = parse(Scene.PROGRAMS.answer("ip", "xfrm", "policy"));
        Ipv4 container = scene.own().subnet().base().plus(2);
        Ipv4 host = scene.underlay().address();
        Set<Policy> blocking = new LinkedHashSet<>();
        scene.peers().forEach(peer -> {
            Ipv4 far = peer.subnet().base().plus(2);
            Ipv4 there = peer.attributes().publicIp();
            counting(policies, "fwd", container, far, "").ifPresent(blocking::add);
            counting(policies, "out", container, far, "").ifPresent(blocking::add);
            counting(policies, "fwd", far, container, "").ifPresent(blocking::add);
            if (scene.port() != 0) {
                counting(policies, "out", host, there, "udp").ifPresent(blocking::add);
                counting(policies, "in", there, host, "udp").ifPresent(blocking::add);
            }
        });
        return judge(blocking.stream().filter(Policy::blocks).toList());
    }

    static List<Finding> judge(List<Policy> blocking) {
        return blocking.isEmpty() ? List.of() : List.of(Finding.fail("ipsec", "a policy of IPsec blocks what goes to other hosts or comes from them: "
                + blocking.getFirst().selector() + (blocking.size() == 1 ? "" : " and " + (blocking.size() - 1) + " more"),
                blocking.stream().limit(MOST_DELETED).map(policy -> "ip xfrm policy delete " + policy.selector()).collect(Collectors.joining(" && "))
                + "; and out of the settings of the IPsec daemon that put it there"));
    }

    static Optional<Policy> counting(List<Policy> policies, String way, Ipv4 from, Ipv4 to, String protocol) {
        return policies.stream().filter(policy -> policy.isFor(way, from, to, protocol)).min(Comparator.comparingLong(Policy::priority));
    }

    /** Of ip xfrm policy, without those for some ports only. */
    static List<Policy> parse(String text) {
        List<Policy> policies = new ArrayList<>();
        String selector = "";
        for (String line : text.lines().toList()) {
            if (line.startsWith("src ")) {
                selector = line.strip();
            } else if (line.strip().startsWith("dir ") && selector.matches("src [0-9./]+ dst [0-9./]+( proto \\w+)?")) {
                String[] of = selector.split(" ");
                String[] words = line.strip().split(" ");
                String priority = line.replaceFirst(".* priority (\\d+).*", "$1");
                policies.add(new Policy(selector + " dir " + words[1], subnet(of[1]), subnet(of[3]), of.length > 5 ? of[5] : "", words[1],
                        line.contains(" action block"), priority.matches("\\d{1,18}") ? Long.parseLong(priority) : 0));
            }
        }
        return policies;
    }

    private static Ipv4Subnet subnet(String text) {
        return text.contains("/") ? Ipv4Subnet.parse(text) : new Ipv4Subnet(Ipv4.parse(text), 32);
    }
}
