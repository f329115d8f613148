package flannel.backend.aws;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * An element of an answer. Namespaces and attributes are passed over: whether there is a namespace differs from server to server.
 *
 * @param text stripped; "" for an element with children
 */
record Xml(String name, String text, List<Xml> children) {

    private static final int DEEPEST = 32;

    /** Reads a document; one with a DTD or too deep is refused. */
    static Xml parse(String document) throws IOException {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        try {
            XMLStreamReader reader = factory.createXMLStreamReader(new StringReader(document));
            while (reader.next() != XMLStreamConstants.START_ELEMENT) {
                if (reader.getEventType() == XMLStreamConstants.DTD) {
                    throw new IOException("the answer has a DTD");
                }
            }
            return element(reader, 1);
        } catch (XMLStreamException e) {
            throw new IOException("the answer is not XML: " + e.getMessage().lines().findFirst().orElse(""));
        }
    }

    private static Xml element(XMLStreamReader reader, int depth) throws XMLStreamException, IOException {
        if (depth > DEEPEST) {
            throw new IOException("the answer is nested more than " + DEEPEST + " deep");
        }
        String name = reader.getLocalName();
        StringBuilder text = new StringBuilder();
        List<Xml> children = new ArrayList<>();
        while (true) {
            switch (reader.next()) {
                case XMLStreamConstants.START_ELEMENT -> children.add(element(reader, depth + 1));
                case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA -> text.append(reader.getText());
                case XMLStreamConstants.END_ELEMENT -> {
                    return children.isEmpty() ? new Xml(name, text.toString().strip(), List.of()) : new Xml(name, "", children);
                }
                default -> {
                    // comments and the like
                }
            }
        }
    }

    /** The first element of that name at any depth, itself included; null when there is none. */
    Xml find(String wanted) {
        if (name.equals(wanted)) {
            return this;
        }
        for (Xml child : children) {
            Xml found = child.find(wanted);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /** Text of the child of that name; "" when there is none. */
    String text(String child) {
        for (Xml each : children) {
            if (each.name.equals(child)) {
                return each.text;
            }
        }
        return "";
    }

    /** The elements "item" of the child of that name. */
    List<Xml> items(String child) {
        for (Xml each : children) {
            if (each.name.equals(child)) {
                return each.children.stream().filter(item -> item.name.equals("item")).toList();
            }
        }
        return List.of();
    }
}
