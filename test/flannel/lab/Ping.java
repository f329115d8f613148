package flannel.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.BitSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A ping that runs on while something happens, and tells afterwards which of its packets never came back. */
public final class Ping implements AutoCloseable {

    private static final Pattern REPLY = Pattern.compile("icmp_seq=(\\d+) ttl=(\\d+)");

    private final Process process;
    private final BitSet answered = new BitSet();
    private int ttl;

    /** Starts to ping every 50 ms and waits for the first answer. */
    public static Ping start(NetworkNamespace from, String to) throws Exception {
        Ping ping = new Ping(from.command("ping", "-n", "-i", "0.05", to).redirectErrorStream(true).start());
        ping.awaitReplies(1);
        return ping;
    }

    private Ping(Process process) {
        this.process = process;
        Thread.ofPlatform().daemon().name("ping").start(this::read);
    }

    private void read() {
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher reply = REPLY.matcher(line);
                if (reply.find()) {
                    synchronized (this) {
                        answered.set(Integer.parseInt(reply.group(1)));
                        ttl = Integer.parseInt(reply.group(2));
                    }
                }
            }
        } catch (IOException e) {
            // the process was ended by close()
        }
    }

    /** Waits until so many more answers have come in. */
    public void awaitReplies(int count) throws Exception {
        int wanted = answers() + count;
        Await.that(count + " more answers to ping", () -> answers() >= wanted);
    }

    private synchronized int answers() {
        return answered.cardinality();
    }

    /** Packets without an answer up to the last that was answered. */
    public synchronized int lost() {
        return answered.length() - 1 - answered.cardinality();      // the first sequence number is 1
    }

    /** Time-to-live of the last answer: 64 less the routers on its way. */
    public synchronized int ttl() {
        return ttl;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
