/** The flannel daemon: one module, nothing exported, no dependency but the JDK. */
module flannel {
    requires java.management;
    requires java.net.http;
    requires java.xml;
}
