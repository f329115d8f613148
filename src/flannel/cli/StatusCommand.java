package flannel.cli;

import flannel.json.JsonException;
import flannel.status.PeerFilter;
import flannel.status.Status;
import flannel.status.StatusClient;
import flannel.status.StatusJson;
import flannel.status.StatusText;
import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Map;

/**
 * {@code flanneld status}: asks the running daemon and shows what it answers. Ends with 0 when all is well, with 1 when something needs a
 * person, with 2 when no daemon answers, or the command line is wrong.
 */
final class StatusCommand {

    private static final int HEALTHY = 0;
    private static final int NEEDS_ATTENTION = 1;
    private static final int NO_ANSWER = 2;

    private static final Duration WATCH = Duration.ofSeconds(2);

    /** Cursor to the upper left corner, and erase what is below it (ECMA-48: CUP, ED). */
    private static final String CLEAR = "\u001b[H\u001b[J";

    private final PrintStream stdout;
    private final PrintStream stderr;

    StatusCommand(PrintStream stdout, PrintStream stderr) {
        this.stdout = stdout;
        this.stderr = stderr;
    }

    int run(Options options, Map<String, String> environment) throws InterruptedException {
        boolean json = options.flag("json");
        if (json && (options.isGiven("peer") || options.flag("problems"))) {
            return complain("-json prints everything: leave -peer and -problems out");
        }
        boolean terminal = isTerminal();
        StatusText.View view;
        try {
            view = new StatusText.View(options.text("peer").isEmpty() ? PeerFilter.ALL : PeerFilter.parse(options.text("peer")),
                    options.flag("problems"), terminal && !environment.containsKey("NO_COLOR") && !"dumb".equals(environment.get("TERM")),
                    ZoneId.systemDefault());
        } catch (IllegalArgumentException e) {
            return complain("-peer: " + e.getMessage());
        }
        Path socket = Path.of(options.text("socket"));
        int outcome = show(socket, json, view, "");
        while (options.flag("watch")) {
            Thread.sleep(WATCH);
            outcome = show(socket, json, view, terminal && !json ? CLEAR : "");
        }
        return outcome;
    }

    private int show(Path socket, boolean json, StatusText.View view, String before) {
        try {
            String answer = StatusClient.ask(socket);
            Status status = StatusJson.read(answer);
            stdout.print(before + (json ? answer : StatusText.render(status, view)));
            stdout.flush();
            return status.isHealthy() ? HEALTHY : NEEDS_ATTENTION;
        } catch (JsonException e) {
            return complain("the flanneld at " + socket + " does not answer as this one does: " + e.getMessage() + "; is it of another version?"
                    + " Restart it (systemctl restart flanneld)");
        } catch (IOException e) {
            return complain(e.getMessage());
        }
    }

    private int complain(String sentence) {
        stderr.println(sentence);
        return NO_ANSWER;
    }

    private static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
