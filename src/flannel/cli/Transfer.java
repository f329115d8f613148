package flannel.cli;

import flannel.etcd.EtcdImport;
import flannel.lease.NetworkContents;
import java.io.IOException;
import java.io.PrintStream;

/** Brings a network's config and leases into one of etcd's stores, or says what would be done. */
record Transfer(PrintStream stdout, PrintStream stderr) {

    /**
     * Does it.
     *
     * @param yes whether to do it, or only to say it
     * @return the exit status: {@link Command#FAILED} when something is in the way
     */
    int run(NetworkContents contents, EtcdImport target, String where, boolean yes) throws IOException, InterruptedException {
        EtcdImport.Plan plan = target.plan(contents);
        plan.obstacles().forEach(stderr::println);
        plan.left().forEach(why -> stderr.println("not copied: " + why));
        String what = (plan.writesConfig() ? "the network config, " : "") + plan.create().size() + " leases"
                + (plan.renew().isEmpty() ? "" : ", and " + plan.renew().size() + " that are there already with the time they have left");
        if (!plan.obstacles().isEmpty()) {
            stderr.println("nothing is written to " + where + " as long as that is so");
            return Command.FAILED;
        }
        if (!yes) {
            stdout.println("would write to " + where + ": " + what + "; -yes does it");
            return Command.OK;
        }
        target.write(plan);
        stdout.println("written to " + where + ": " + what);
        return Command.OK;
    }
}
