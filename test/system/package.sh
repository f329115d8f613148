# What the package itself must be, on this machine and without installing it: functions on check, say of run.sh.

# What CentOS 7's rpm 4.11 and glibc 2.17 offer, and the libraries that every system has.
RPMLIB='CompressedFileNames|FileDigests|PayloadFilesHavePrefix|PayloadIsXz'
GLIBC=2.17
LIBRARIES='ld-linux-x86-64|ld-linux-aarch64|libc|libdl|libm|libpthread|librt'
DOWNLOAD=30000000
INSTALLED=70000000     # of which the clouds' StAX and the garbage collections' counts, with what they need of the JDK, are some 6

# What is on a host, but for what is inside the runtime image: PACKAGING.md's list of flannel-0.7.1-4.el7, and what is new.
FILES='-rw-r--r-- cn /etc/sysconfig/flanneld
drwxr-xr-x  /run/flannel
lrwxrwxrwx  /usr/bin/flanneld
-rwxr-xr-x  /usr/bin/flanneld-start
drwxr-xr-x  /usr/lib/systemd/system/docker.service.d
-rw-r--r--  /usr/lib/systemd/system/docker.service.d/flannel.conf
-rw-r--r--  /usr/lib/systemd/system/flanneld.service
-rwxr-xr-x  /usr/lib/tmpfiles.d/flannel.conf
drwxr-xr-x  /usr/libexec/flannel
-rwxr-xr-x  /usr/libexec/flannel/mk-docker-opts.sh
drwxr-xr-x  /usr/libexec/flannel/runtime
-rw-r--r--  /usr/share/bash-completion/completions/flanneld
drwxr-xr-x  /usr/share/doc/flannel-VERSION
-rw-r--r-- d /usr/share/doc/flannel-VERSION/LICENSE
-rw-r--r-- d /usr/share/doc/flannel-VERSION/README.md
-rw-r--r-- d /usr/share/doc/flannel-VERSION/flannel-docker-ce.conf
-rw-r--r-- d /usr/share/doc/flannel-VERSION/flanneld-alerts.yml
-rw-r--r-- d /usr/share/doc/flannel-VERSION/flanneld-dashboard.json
-rw-r--r-- d /usr/share/man/man8/flanneld.8.gz
-rw-r--r--  /usr/share/zsh/site-functions/_flanneld
drwxr-xr-x  /var/lib/flannel'

package_is_right() {
    say "The package"
    rpm/build.sh || return 1
    RPM=$(ls build/rpm/flannel-*.rpm)
    local version tree=$WORK/tree
    version=$(query '%{VERSION}')
    OUTPUT=$(query '[%{FILEMODES:perms} %{FILEFLAGS:fflags} %{FILENAMES}\n]' | grep -v /runtime/)
    check "files, modes and kinds" test "$OUTPUT" = "${FILES//VERSION/$version}"
    check "all belong to root" test "$(query '[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]' | sort -u)" = root:root
    check "its licence tag" test "$(query '%{LICENSE}')" = Apache-2.0
    check "rpm 4.11 has all that it asks of rpm" test -z "$(requires | grep '^rpmlib' | grep -vE "^rpmlib\(($RPMLIB)\) ")"
    check "it asks for systemd and a shell, and for nothing else" test "$(requires | grep -v '^rpmlib' | sort -u | tr '\n' ' ')" = '/bin/sh systemd '
    check "rpm 4.11 can unpack it" test "$(query '%{PAYLOADFORMAT} %{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO}')" = 'cpio xz 8'
    check "$(stat -c %s "$RPM") bytes to download, at most $DOWNLOAD" test "$(stat -c %s "$RPM")" -le $DOWNLOAD
    check "$(query '%{LONGSIZE}') bytes installed, at most $INSTALLED" test "$(query '%{LONGSIZE}')" -le $INSTALLED

    mkdir -p "$tree"
    rpm2cpio "$RPM" | (cd "$tree" && cpio -idm --quiet)
    find "$tree" -type f | while read -r file; do head -c 4 "$file" | grep -q ELF && echo "$file"; done > "$WORK/elf"
    check "there is a program in it" grep -q '/bin/flanneld$' "$WORK/elf"
    OUTPUT=$(xargs readelf --version-info < "$WORK/elf" | grep -oE 'Name: [A-Z]+_[0-9.]+' | cut -d ' ' -f 2 | sort -uV)
    check "symbol versions up to $(printf '%s\n' "$OUTPUT" | tail -n 1), at most GLIBC_$GLIBC" \
        test "$(printf '%s\nGLIBC_%s\n' "$(printf '%s\n' "$OUTPUT" | grep -v '^SUNWprivate')" $GLIBC | sort -V | tail -n 1)" = GLIBC_$GLIBC
    OUTPUT=$(xargs readelf --dynamic < "$WORK/elf" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u | grep -vE "^($LIBRARIES)\.so\.[0-9]$")
    check "the libraries it needs are its own, or everybody's" all_in "$tree" "$OUTPUT"
    tree=$tree/usr/libexec/flannel/runtime
    check "it runs unpacked anywhere, with its archive of classes" test "$("$tree/bin/flanneld" -J-Xshare:on -version 2>&1)" = "v$version"
    # The archive is of exactly these classes: with others, which an upgrade that went wrong could bring, it is not used.
    printf x >> "$tree/lib/modules"
    check "the archive is refused when the classes are not its own" fails "$tree/bin/flanneld" -J-Xshare:on -version
    check "and the daemon runs without it" test "$("$tree/bin/flanneld" -version 2>&1 | tail -n 1)" = "v$version"
}

fails() { ! "$@" > /dev/null 2>&1; }

query() { rpm -qp --nosignature --qf "$1" "$RPM" 2> /dev/null; }
requires() { rpm -qp --nosignature --requires "$RPM" 2> /dev/null; }

# all_in FOLDER NAMES: a file of each name is somewhere below the folder
all_in() {
    local name
    for name in $2; do [ -n "$(find "$1" -name "$name" -print -quit)" ] || return 1; done
}

# Everything made again from the same sources, in another place and at another time; beside the story, which waits most of the time.
build_again() {
    mkdir -p "$WORK/again"
    tar -c --exclude=./build . | tar -x -C "$WORK/again"
    (cd "$WORK/again" && exec setsid ./build.sh rpm) > "$WORK/again.log" 2>&1 &
    AGAIN=$!
}

package_is_reproducible() {
    say "The package, built again elsewhere"
    wait $AGAIN || cat "$WORK/again.log"
    check "the same bytes" cmp "$RPM" "$WORK/again/$RPM"
}

source_installs() {
    local root=$WORK/install
    say "make install, with a prefix"
    make --silent install DESTDIR="$root" PREFIX=/usr/local > "$WORK/install.log" 2>&1 || { cat "$WORK/install.log"; return 1; }
    OUTPUT=$(cd "$root" && find . -not -path '*/runtime/*' -not -type d | sort | tr '\n' ' ')
    check "what is put where" test "$OUTPUT" = "./etc/sysconfig/flanneld ./usr/local/bin/flanneld ./usr/local/bin/flanneld-start \
./usr/local/lib/systemd/system/docker.service.d/flannel.conf ./usr/local/lib/systemd/system/flanneld.service ./usr/local/lib/tmpfiles.d/flannel.conf \
./usr/local/libexec/flannel/mk-docker-opts.sh ./usr/local/share/bash-completion/completions/flanneld ./usr/local/share/man/man8/flanneld.8 \
./usr/local/share/zsh/site-functions/_flanneld "
    check "no path but the prefix's" test -z "$(grep -rE '/usr/(bin/flanneld|libexec)' "$root/usr/local/bin/flanneld-start" "$root/usr/local/lib")"
    check "it runs" test "$("$root/usr/local/bin/flanneld" -version 2>&1)" = "v$(query '%{VERSION}')"
}
