package flannel;

import flannel.cli.Command;

/** The command {@code flanneld}. */
public final class Main {

    private Main() {
    }

    public static void main(String[] arguments) throws InterruptedException {
        int status = new Command(System.out, System.err).run(arguments, System.getenv());
        // not System.exit: its shutdown hooks are for the signals that end a running daemon
        Runtime.getRuntime().halt(status);
    }
}
