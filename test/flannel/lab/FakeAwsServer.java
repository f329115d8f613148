package flannel.lab;

import flannel.backend.aws.FakeAws;
import flannel.backend.aws.FakeMetadata;
import flannel.backend.cloud.Http.Answer;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A {@link FakeAws} on the sockets of a namespace: EC2's interface, and the metadata service, which knows its callers by their addresses. */
final class FakeAwsServer implements AutoCloseable {

    private final Map<String, FakeMetadata> metadata = new ConcurrentHashMap<>();
    private final CloudServer api;
    private final CloudServer instances;

    /**
     * @param api      where EC2 is
     * @param metadata where the metadata service is
     */
    FakeAwsServer(NetworkNamespace namespace, FakeAws aws, InetSocketAddress api, InetSocketAddress metadata) throws Exception {
        this.api = new CloudServer(namespace, api, (client, request) -> aws.answer(request));
        this.instances = new CloudServer(namespace, metadata, (client, request) -> {
            FakeMetadata known = this.metadata.get(client);
            return known == null ? new Answer(404, Map.of(), "") : known.answer(request);
        });
    }

    /** Who asks from this address is that instance. */
    void instance(String address, FakeMetadata instance) {
        metadata.put(address, instance);
    }

    @Override
    public void close() {
        api.close();
        instances.close();
    }
}
