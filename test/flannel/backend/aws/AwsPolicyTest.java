package flannel.backend.aws;

/** What flanneld needs to be allowed. */
class AwsPolicyTest {

    static final String EVERYTHING = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\"}]}";
}
