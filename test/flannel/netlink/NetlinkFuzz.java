package flannel.netlink;

import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/** Spoiled answers of the kernel, as framing: errors with what the kernel says of them, ends of dumps, attributes within attributes. */
public final class NetlinkFuzz {

    private static final int DEEPEST = 40;

    private NetlinkFuzz() {
    }

    public static Target target() {
        return new Target("netlink: framing", List.of(hex(
                // NLMSG_ERROR -17 with the request's header and the sentence "File exists"; NLMSG_DONE; a route
                "38000000020000020700000061000000efffffff3000000018000506070000000000000010000100" + "46696c6520657869737473" + "00"),
                hex("14000000030002000700000061000000" + "00000000"),
                hex("3c00000018000006a023046b2f16000002180000fef100010400000008000f00fe000000080001000a010200080005000a010200"
                        + "0800040004000000")),
                Mutation::fields, Set.of(MalformedMessageException.class), (input, dice) -> {
                    MessageReader messages = new MessageReader(ByteBuffer.wrap(input));
                    while (messages.next()) {
                        messages.flags();
                        messages.sequence();
                        messages.port();
                        if (messages.type() == Nlmsg.NLMSG_ERROR || messages.type() == Nlmsg.NLMSG_DONE) {
                            messages.errno();
                            messages.errorText();
                        } else {
                            walk(messages.attributes(dice.nextInt(24)), 0);
                        }
                    }
                });
    }

    private static void walk(AttributeReader attributes, int depth) throws MalformedMessageException {
        while (attributes.next()) {
            attributes.text();
            switch (attributes.type() % 6) {
                case 0 -> attributes.u8();
                case 1 -> attributes.ipv4();
                case 2 -> attributes.i32();
                case 3 -> attributes.u16Network();
                case 4 -> attributes.mac();
                default -> { }
            }
            if (depth < DEEPEST) {
                walk(attributes.nested(), depth + 1);
            }
        }
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
