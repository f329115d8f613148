package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class XmlTest {

    @Test
    void namespacesAndWhiteSpaceMakeNoDifference() throws Exception {
        for (String document : new String[] {"<?xml version=\"1.0\"?>\n<R xmlns=\"http://x/\">\n <s>\n  <item><a> 1 &lt;2 </a></item>\n </s>\n</R>",
            "<x:R xmlns:x='y'><x:s><x:item><x:a>1 &lt;2</x:a></x:item></x:s></x:R>", "<R><!-- c --><s><item><a><![CDATA[1 <2]]></a></item></s></R>"}) {
            Xml root = Xml.parse(document);
            assertEquals("1 <2", root.items("s").getFirst().text("a"));
            assertEquals("1 <2", root.find("a").text());
            assertNull(root.find("b"));
            assertEquals("", root.text("a"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<?xml version='1.0'?>", "<!-- c -->", "<html>", "{}", "<a></b>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "<a>&e;</a>"})
    void whatIsNoAnswerIsRefused(String document) {
        assertThrows(IOException.class, () -> Xml.parse(document));
    }

    @Test
    void whatIsTooDeepIsRefused() {
        assertThrows(IOException.class, () -> Xml.parse("<a>".repeat(10_000) + "</a>".repeat(10_000)));
    }
}
