package flannel.check;

/**
 * The answer to one question.
 *
 * @param network  that it is about; empty for the only one, and for what is the host's
 * @param subject  what was asked about, a word or two
 * @param evidence what was seen, one clause or sentence
 * @param remedy   what mends it; where a command does, that and, behind "; ", whatever there is to say of it. Empty when nothing needs to be mended
 */
public record Finding(String network, Level level, String subject, String evidence, String remedy) {

    /** How bad it is. */
    public enum Level {
        OK("ok"),
        /** It works, but not as it should, or not for long. */
        WARN("warn"),
        /** Packets do not get through, or will not after the next restart. */
        FAIL("FAIL");

        private final String word;

        Level(String word) {
            this.word = word;
        }

        /** As it is printed. */
        public String word() {
            return word;
        }
    }

    static Finding ok(String subject, String evidence) {
        return new Finding("", Level.OK, subject, evidence, "");
    }

    static Finding warn(String subject, String evidence, String remedy) {
        return new Finding("", Level.WARN, subject, evidence, remedy);
    }

    Finding of(String other) {
        return new Finding(other, level, subject, evidence, remedy);
    }

    static Finding fail(String subject, String evidence, String remedy) {
        return new Finding("", Level.FAIL, subject, evidence, remedy);
    }
}
