package flannel.report;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.log.Printable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * An archive for who helps from afar.
 *
 * @param bytes   its length
 * @param lacking what could not be had, a sentence each
 * @param taken   in how many places a secret was taken out
 */
public record Report(long bytes, int files, List<String> lacking, int taken) {

    private static final String FOLDER = "flanneld-report/";
    private static final int LONGEST_TEXT = 4 << 20;
    private static final int LONGEST_SENTENCE = 500;

    /**
     * Reads the sources, all at the same time, and writes what they tell to a new file that only its owner can read.
     *
     * @param patience for all sources together: one that takes longer is left out
     * @throws FileException with a sentence, when there is something of that name, or it can't be written
     */
    public static Report write(Path archive, List<Source> sources, Duration patience) throws FileException, InterruptedException {
        try (OutputStream out = Channels.newOutputStream(SmallFiles.create(archive, Readers.OWNER))) {
            boolean whole = false;
            try {
                Report report = write(out, archive, sources, patience);
                whole = true;
                return report;
            } finally {
                if (!whole) {
                    Files.deleteIfExists(archive);
                }
            }
        } catch (ClosedByInterruptException e) {
            Thread.interrupted();
            throw new InterruptedException();
        } catch (IOException e) {
            throw new FileException("cannot write " + archive, e);
        }
    }

    private static Report write(OutputStream out, Path archive, List<Source> sources, Duration patience) throws IOException, InterruptedException {
        Secrets secrets = new Secrets();
        List<String> lacking = new ArrayList<>();
        Map<String, String> texts = texts(sources, patience, secrets, lacking);
        texts.replaceAll((name, text) -> secrets.without(text));
        lacking.replaceAll(secrets::without);
        Instant now = Instant.now();
        texts.put("README", "Made by flanneld report, " + now + ". Not to be had:\n\n" + String.join("\n", lacking) + "\n\nIn " + secrets.taken()
                + " places a secret was " + Secrets.MARK + ".\n");
        try (Tarball tarball = new Tarball(out, now)) {
            for (Map.Entry<String, String> text : texts.entrySet()) {
                tarball.add(FOLDER + text.getKey(), text.getValue().getBytes(StandardCharsets.UTF_8));
            }
        }
        return new Report(Files.size(archive), texts.size(), List.copyOf(lacking), secrets.taken());
    }

    private static Map<String, String> texts(List<Source> sources, Duration patience, Secrets secrets, List<String> lacking) throws InterruptedException {
        Map<String, String> texts = new TreeMap<>();
        ExecutorService threads = Executors.newThreadPerTaskExecutor(Thread.ofPlatform().daemon().factory());
        List<Future<Map<String, String>>> read = threads.invokeAll(sources.stream().map(Source::files).toList(), patience.toMillis(), TimeUnit.MILLISECONDS);
        threads.shutdownNow(); // and nobody waits for one that is deaf
        for (int i = 0; i < sources.size(); i++) {
            Source source = sources.get(i);
            try {
                read.get(i).get().forEach((name, text) -> texts.put(name, bounded(text)));
            } catch (CancellationException e) {
                lack(source, "it took longer than " + patience.toSeconds() + " s", texts, lacking);
            } catch (ExecutionException e) {
                lack(source, e.getCause().getMessage() == null ? e.getCause().toString() : e.getCause().getMessage(), texts, lacking);
            }
            if (source.settings() && texts.containsKey(source.name())) {
                secrets.learnFrom(texts.get(source.name()));
            }
        }
        return texts;
    }

    private static void lack(Source source, String reason, Map<String, String> texts, List<String> lacking) {
        String sentence = Printable.line(reason, LONGEST_SENTENCE);
        lacking.add(source.name() + ": " + sentence);
        texts.put(source.name(), "Not to be had: " + sentence + "\n");
    }

    private static String bounded(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "\n(the other " + (text.length() - LONGEST_TEXT) + " characters are left out)\n";
    }
}
