#!/usr/bin/env bash
# rpm/runtime.sh: makes build/runtime of build/flanneld.jar, the Java runtime that the package carries: the few modules needed, the daemon among them,
# a launcher that is called flanneld, and an archive of classes loaded and linked ahead of time.
#
# The same jar and JDK give the same bytes. So the archive is made from a list of classes in the source tree (./build.sh train makes it)
# and not from a training run at every build: what a run loads depends on timing, and needs etcd, root and a network namespace.
# So that the archive never runs old classes, it is made with every image and lies in it; and the JVM refuses one when lib/modules, which
# holds the daemon's classes, has not the size that it remembers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

main() {
    rm -rf build/runtime build/runtime.done build/runtime.work
    mkdir -p build/runtime.work
    local image=build/runtime.work/image
    link_image "$image"
    make_launcher "$image"
    leave_out "$image"
    archive_classes "$image"
    set_times "$image"
    mv "$image" build/runtime
    rm -rf build/runtime.work
}

# jlink strips the debug information of all modules or of none. The JDK's is 4 MB of the package, ours is in every log line (file and line):
# so the JDK's modules are stripped first and packed anew, and linked with ours then.
# The options of etc/jvm.options go into the image itself, so that no command line shows them.
link_image() {
    local work=build/runtime.work tools=$JAVA_HOME/bin options module
    local modules=(java.net.http java.management java.xml)        # what module-info.java requires beside java.base
    options=$(grep -v '^#' etc/jvm.options | tr '\n' ' ')
    # The code of method handles that the training used is made here: an archive with classes linked can't hold what it would make of it itself.
    sed -n 's/^@lambda-form-invoker //p' rpm/classes.list > "$work/forms"
    "$tools/jlink" --add-modules "$(IFS=,; echo "${modules[*]}")" --output "$work/jdk" --strip-java-debug-attributes --no-header-files --no-man-pages \
        "--generate-jli-classes=@$work/forms"
    "$tools/jimage" extract --dir "$work/classes" "$work/jdk/lib/modules"
    rm "$work/jdk/lib/modules"
    mkdir "$work/jmods"
    for module in "${modules[@]}"; do
        "$tools/jmod" create --class-path "$work/classes/$module" "$work/jmods/$module.jmod"
    done
    "$tools/jmod" create --class-path "$work/classes/java.base" --cmds "$work/jdk/bin" --libs "$work/jdk/lib" --config "$work/jdk/conf" \
        --legal-notices "$work/jdk/legal/java.base" --module-path "$work/jmods" --hash-modules "$(IFS='|'; echo "${modules[*]}")" "$work/jmods/java.base.jmod"
    "$tools/jlink" --module-path "$work/jmods:build/flanneld.jar" --add-modules flannel --output "$1" --no-header-files --no-man-pages \
        --compress zip-6 --disable-plugin generate-jli-classes --add-options "${options% }"
    # A tenth of the package are symbols that only a debugger of the JVM itself would want.
    find "$1" -name '*.so' -exec strip --strip-unneeded {} +
}

# The launchers of the JDK's own tools (javac, keytool) are "java" with a main class built in: every argument is the program's, none the JVM's,
# and JDK_JAVA_OPTIONS is not read. That is what a daemon wants, so keytool's is taken, and its main class replaced by ours of no greater length.
make_launcher() {
    local tool=java.base/sun.security.tools.keytool.Main own=flannel/flannel.Main padding
    padding=$(printf '%*s' $((${#tool} - ${#own})) '' | sed 's/ /\\x00/g')
    sed "s|$tool|$own$padding|" "$1/bin/keytool" > "$1/bin/flanneld"
    chmod 755 "$1/bin/flanneld"
    cmp -s "$1/bin/keytool" "$1/bin/flanneld" && { echo "rpm/runtime.sh: this JDK's keytool launcher names no $tool" >&2; exit 1; }
    return 0
}

# jexec runs jars by binfmt_misc, jrt-fs.jar lets other JDKs look inside, classlist is the JDK's own list for an archive, libjsig is for
# programs that host a JVM, libsimdsort sorts long arrays (the JVM does without).
leave_out() {
    rm "$1/bin/java" "$1/bin/keytool" "$1/lib/jexec" "$1/lib/jrt-fs.jar" "$1/lib/classlist"
    rm -f "$1/lib/libjsig.so" "$1/lib/server/libjsig.so" "$1/lib/libsimdsort.so"
}

# The archive is put where the JVM looks for its default one, so no option and no path names it, and the image can be moved.
# It holds the daemon's own classes too. They come from the image's lib/modules, which the JVM compares with the archive's record of it.
archive_classes() {
    local archive=$1/lib/server/classes.jsa list=rpm/classes.list
    set_times "$1"
    dump "$1" "$list" "$archive"
    dump "$1" "$list" build/runtime.work/again.jsa
    erase_clock "$archive" build/runtime.work/again.jsa
    cmp "$archive" build/runtime.work/again.jsa
}

dump() {
    "$1/bin/flanneld" -J-Xshare:dump -J-XX:+IgnoreUnrecognizedVMOptions -J-XX:+AOTClassLinking -J-Xlog:disable -J-Xlog:all=error:stderr \
        -J-XX:SharedClassListFile="$2" -J-XX:SharedArchiveFile="$3" > build/runtime.work/dump.log 2>&1 ||
        { cat build/runtime.work/dump.log >&2; exit 1; }
    chmod 644 "$3"
}

# Two dumps differ only in the age of some SoftReferences (milliseconds of the monotonic clock, 8 bytes each, in the heap's part of the file)
# and in the checksums of it (4 bytes each, in the header's first page; the JVM checks them only with -XX:+VerifySharedSpaces).
# All of these are set to zero in both.
erase_clock() {
    local file offset size
    { cmp -l "$1" "$2" || true; } | awk '{ size = $1 <= 4096 ? 4 : 8; print int(($1 - 1) / size) * size, size }' | uniq > build/runtime.work/clock
    [ "$(wc -l < build/runtime.work/clock)" -lt 500 ] || { echo "rpm/runtime.sh: two dumps of the class archive differ in more than clocks" >&2; exit 1; }
    while read -r offset size; do
        for file; do
            head -c "$size" /dev/zero | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
        done
    done < build/runtime.work/clock
}

# The archive remembers the time of lib/modules. One time for ever: the same sources may be committed later than they were built.
set_times() {
    find "$1" -exec touch -h -d @1500000000 {} +
}

main
