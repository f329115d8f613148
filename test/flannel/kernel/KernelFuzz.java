package flannel.kernel;

import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.netlink.MalformedMessageException;
import flannel.netlink.MessageReader;
import flannel.netlink.MessageWriter;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/** Spoiled messages of rtnetlink: links, addresses, routes, neighbours, forwarding entries. */
public final class KernelFuzz {

    private static final List<String> MESSAGES = List.of(
            "3c00000018000006a023046b2f16000002180000fef100010400000008000f00fe000000080001000a0102000800" + "05000a0102000800040004000000",
            "4800000018002200352c046b7e01000002180000fe0300010000000008000f00fe000000080001000a0104000c00080008000200e803000008"
                    + "0005000a0104000800040004000000",
            "4c0000001c0000000000000030160000020000000400000080000001080001000a0102000a000200020000000002000008000400"
                    + "00000000" + "1400030000000000000000000000000001000000",
            "5400000014000000a023046b2e1600000220800004000000080001000a010000080002000a0100000e000300666c616e6e656c2e31000000080008008000000014000600"
                    + "ffffffffffffffffc5170a00c5170a00",
            "440000001c00000000000000000000000700000004000000c00002010a000200020000000002000008000100c0a820021400030000000000000000000000000000000000",
            "98000000100000000000000000000000000001000400000043100100010000000e000300666c616e6e656c2e3100000008000d00e803000008000400aa0500000a00010002"
                    + "000000000100004c0012000a00010076786c616e0000003c000200080001000100000008000300030000000800040"
                    + "0c0a820d3050005000000000005001c0000000000"
                    + "050007000000000006000f0021180000");

    private KernelFuzz() {
    }

    public static Target target() {
        return new Target("netlink: entries", MESSAGES.stream().map(HexFormat.of()::parseHex).toList(), Mutation::fields,
                Set.of(MalformedMessageException.class), (input, dice) -> {
                    MessageReader messages = new MessageReader(ByteBuffer.wrap(input));
                    while (messages.next()) {
                        Found found = EntryCodec.read(messages);
                        EntryCodec.readLookup(messages);
                        if (found != null && !(found instanceof Found.Link)) {
                            again(found);
                        }
                    }
                });
    }

    /** What is written of it is read as the same thing, as far as we write it at all. */
    private static void again(Found found) throws MalformedMessageException {
        ByteBuffer buffer = ByteBuffer.allocate(256);
        EntryCodec.write(new MessageWriter(buffer, 1), new Change(Change.Kind.ADD, found));
        MessageReader reader = new MessageReader(buffer.flip());
        reader.next();
        Found read = EntryCodec.read(reader);
        boolean ours = switch (found) {
            case Found.Route route -> route.plain();
            case Found.Neighbour neighbour -> true;
            case Found.Fdb fdb -> true;
            default -> true;
        };
        if (ours) {
            Target.same(found, read);
        }
    }
}
