package flannel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.report.HostSources;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flanneld report} on a host of files and scripts, on which secrets stand everywhere. */
class ReportCommandTest {

    private static final String KEY = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWtleS1vZi1ldGNk\n-----END PRIVATE KEY-----\n";

    @TempDir
    private Path folder;

    private Path put(String file, String text) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        return Files.writeString(path, text);
    }

    private void program(String name, String output) throws IOException {
        put("outputs/" + name, output);
        assertTrue(put("bin/" + name, "#!/bin/sh\ncat '" + folder.resolve("outputs/" + name) + "'\n").toFile().setExecutable(true));
    }

    private String unpacked(Path archive) throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(archive))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void noSecretOfAnySourceIsInTheArchive() throws Exception {
        List<String> secrets = List.of("sysconfig-secret", "options-secret", "variable-secret", "environ-secret", "cmdline-secret", "word of a cmdline", "unit-secret",
                "two words of a unit", "journal-secret", "store-secret", "own-secret", "c2VjcmV0LWtleS1vZi1ldGNk", "aws-secret", "AKIAIOSFODNN7EXAMPLE", "ya29.gce-secret",
                "eyJhbGciOiJSUzI1NiJ9.a3ViZQ.c2ln", "proxy-secret", "subnet-secret", "sysctl-secret", "docker-secret", "dockerd-secret", "daemon-secret", "unknown-secret");
        put("etc/sysconfig/flanneld", """
                FLANNEL_ETCD_ENDPOINTS="http://root:sysconfig-secret@10.0.0.1:2379"
                FLANNEL_OPTIONS="-etcd-password=options-secret -iface=eth7"
                FLANNELD_ETCD_PASSWORD='variable-secret'
                """);
        put("etc/sysconfig/docker-network", "DOCKER_NETWORK_OPTIONS=--log-opt token=docker-secret\n");
        put("proc/17/cmdline", "/usr/bin/flanneld\0-etcd-password\0cmdline-secret\0--etcd-password=word of a cmdline\0-v=1\0");
        put("proc/17/environ", "FLANNELD_ETCD_PASSWORD=environ-secret\0HTTP_PROXY=http://me:proxy-secret@proxy:3128\0SOMETHING=unknown-secret\0AWS_SECRET_ACCESS_KEY=aws-secret\0");
        put("proc/19/cmdline", "/usr/bin/dockerd\0--bip=10.1.83.1/24\0--log-opt\0splunk-token=dockerd-secret\0");
        put("proc/19/environ", "HTTPS_PROXY=http://me:proxy-secret@proxy:3128\0");
        put("etc/docker/daemon.json", "{\"mtu\": 1450, \"proxies\": {\"https-proxy\": \"http://me:daemon-secret@proxy\"}}");
        put("proc/18/cmdline", "bash\0-c\0echo unknown-secret\0");
        program("systemctl", """
                [Service]
                Environment=FLANNELD_ETCD_PASSWORD=unit-secret "MY_TOKEN=two words of a unit"
                StatusText=waits for http://root:sysconfig-secret@10.0.0.1:2379
                """);
        program("journalctl", "I1125 asked with password=journal-secret and options-secret, environ-secret, two words of a unit, word of a cmdline; AKIAIOSFODNN7EXAMPLE\n"
                + "W1125 eyJhbGciOiJSUzI1NiJ9.a3ViZQ.c2ln and ya29.gce-secret are refused\n" + KEY + "I1125 Lease acquired: 10.1.83.0/24\n");
        program("docker", "token: docker-secret\nHTTPS Proxy: http://me:daemon-secret@proxy\nStorage Driver: overlay2\n");
        put("subnet.env", "FLANNEL_SUBNET=10.1.83.1/24\nNOTE=variable-secret subnet-secret own-secret\nX_SECRET=subnet-secret\n");
        program("tail", "the last lines: variable-secret http://root:store-secret@10.0.0.3\n");
        put("proc/sys/net/ipv4/conf/eth7/rp_filter", "sysctl-secret=1 password=sysctl-secret");
        Map<String, String> environment = Map.of("FLANNELD_ETCD_PASSWORD", "own-secret", "PATH", folder.resolve("bin").toString());
        Path archive = folder.resolve("report.tar.gz");
        Options options = Options.parse(new String[] {"report", "-o=" + archive, "-socket=/nowhere/flanneld.sock", "-etcd-endpoints=http://root:store-secret@127.0.0.1:1",
                "-subnet-file=" + folder.resolve("subnet.env"), "-log_dir=/var/log/flanneld"}, environment);

        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
        HostSources host = HostSources.of(folder, environment, List.of(folder.resolve("bin")));
        assertEquals(Command.OK, new ReportCommand(out, out, host).run(options, environment, () -> {
            throw new IllegalArgumentException("asked http://root:store-secret@127.0.0.1:1 in vain");
        }), said::toString);

        String all = unpacked(archive);
        assertEquals(List.of(), secrets.stream().filter(all::contains).toList());
        assertEquals(List.of(), secrets.stream().filter(said.toString(StandardCharsets.UTF_8)::contains).toList());
        for (String kept : List.of("-iface=eth7", "\"-v=1\"", "HTTP_PROXY=http://", "SOMETHING (its value is not told)", "Lease acquired: 10.1.83.0/24",
                "FLANNEL_SUBNET=10.1.83.1/24", "the last lines: ", "asked http://(taken out)@127.0.0.1:1 in vain", "flanneld-report/kernel/routes", "flanneld-report/docker/info", "Storage Driver: overlay2",
                "--bip=10.1.83.1/24", "{\"mtu\": 1450", "there is no program nft here")) {
            assertTrue(all.contains(kept), kept);
        }
        assertFalse(all.contains("process 18"));
        String last = said.toString(StandardCharsets.UTF_8).lines().toList().getLast();
        assertTrue(last.startsWith(archive + ": ") && last.contains(Files.size(archive) + " bytes"), last);
        assertTrue(said.toString(StandardCharsets.UTF_8).contains("left out: status: no flanneld runs here"), said::toString);
    }
}
