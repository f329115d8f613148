package flannel.kernel;

/** One thing to do to a kernel table. */
record Change(Kind kind, Found what) {

    enum Kind {
        /** Make it; a failure when its place is taken. */
        ADD,
        /** Make it, in the place of what is there. */
        PUT,
        /** Remove it; no failure when it is gone already. */
        DELETE
    }
}
