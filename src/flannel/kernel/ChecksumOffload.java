package flannel.kernel;

/**
 * Whether the checksums of packets into a VXLAN device are left to it. Kernels before 5.7 get the outer one wrong in some of what is
 * masqueraded, which the other host then drops: a connection hangs for a second to a minute. Computing them earlier costs some throughput.
 */
public enum ChecksumOffload {
    /** As the kernel or the administrator has it. */
    LEAVE,
    ON,
    OFF;

    /**
     * What an option's value means on a host.
     *
     * @param option  "on", "off", or "auto": off where the kernel is known to do it wrong
     * @param release of the kernel, as uname(2) tells it: 3.10.0-1160.el7.x86_64
     * @throws IllegalArgumentException with one sentence when the option is none of these
     */
    public static ChecksumOffload of(String option, String release) {
        return switch (option) {
            case "auto" -> isBefore5Point7(release) ? OFF : LEAVE;
            case "on" -> ON;
            case "off" -> OFF;
            default -> throw new IllegalArgumentException("\"" + option + "\" is none of auto, on and off");
        };
    }

    private static boolean isBefore5Point7(String release) {
        String[] numbers = release.split("[^0-9]", 3);
        try {
            int major = Integer.parseInt(numbers[0]);
            return major < 5 || major == 5 && Integer.parseInt(numbers[1]) < 7;
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return false;
        }
    }
}
