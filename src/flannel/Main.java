package flannel;

/** The command {@code flanneld}. */
public final class Main {

    private Main() {
    }

    public static void main(String[] arguments) {
        System.exit(1);
    }
}
