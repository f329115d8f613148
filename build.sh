#!/usr/bin/env bash
# Builds, tests and shows flanneld: ./build.sh help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH

JAVA_RELEASE=22                         # language level: the first with the final Foreign Function & Memory API
# Where Eclipse Temurin is asked for, a processor's name behind it: tells the archive and its SHA-256
TEMURIN='https://api.adoptium.net/v3/assets/latest/25/hotspot?os=linux&image_type=jdk&vendor=eclipse&architecture='
JUNIT=org.junit.platform:junit-platform-console-standalone:1.13.4
JUNIT_SHA256=3fdfc37e29744a9a67dd5365e81467e26fbde0b7aa204e6f8bbe79eeaa7ae892
JAVAC_OPTIONS=(--release $JAVA_RELEASE -proc:none -encoding UTF-8)

main() {
    local command=${1:-compile}
    shift || true
    case $command in
        compile)     compile ;;
        test)        run_tests "$@" ;;
        demo)        demo "$@" ;;
        bench)       bench "$@" ;;
        rpm)         need_rpm; exec rpm/build.sh ;;
        test-faults) lab_main lab.faults.FaultLab "$@" ;;
        test-fuzz)   lab_main fuzz.FuzzLab "$@" ;;
        test-system) need_hosts; exec test/system/run.sh ;;
        install)     need_runtime; exec rpm/install.sh "${DESTDIR:-}" "${PREFIX:-/usr}" ;;
        train)       lab_main lab.Training ;;
        clean)       rm -rf build ;;
        help)        usage ;;
        *)           usage >&2; exit 2 ;;
    esac
}

usage() {
    cat <<'END'
./build.sh                              compiles: build/flanneld.jar and build/flanneld, which runs it in place
./build.sh test [arguments of JUnit]    all tests, or some: ./build.sh test -c flannel.net.Ipv4SubnetTest
./build.sh demo [--backend vxlan|host-gw|udp] [--etcd-api v2|v3] [--keep]
                                        two hosts and a server in network namespaces, containers that talk across; or a real etcd
./build.sh bench control|costs|udp|start|store
                                        measures; PEER=/path/to/another/flanneld adds that daemon's rows
./build.sh rpm                          build/rpm/flannel-*.rpm
./build.sh test-faults [--minutes N] [--seed S] [--hold SECONDS] [--backend TYPE] [--fault PATTERN] [--hosts N]
                                        clusters with everything that can go wrong, by a seed; a part of it is among the tests
./build.sh test-fuzz [--minutes N] [--seed S] [--target NAME]
                                        spoiled input for all that reads what comes from outside; a part of it is among the tests
./build.sh test-system                  the package on two booted hosts with systemd and Docker
./build.sh install                      installs from source; DESTDIR= and PREFIX= are honoured
./build.sh train                        writes rpm/classes.list anew: what the package holds linked ahead of time
./build.sh clean                        removes build/
Everything that is missing (JDK, etcd, iproute2 ...) is installed with the system's package manager; where that has no JDK that is new enough,
Eclipse Temurin is brought into build/jdk, or what JDK_URL names (its SHA-256 in JDK_SHA256, or at JDK_URL.sha256.txt).
END
}

say() { printf 'build.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# ---------------------------------------------------------------- what the machine must have

as_root() {
    if [ "$EUID" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# install_packages WHY DEBIAN-PACKAGES RPM-PACKAGES: quietly; says in one sentence what to do when it can't
install_packages() {
    local why=$1 packages log=build/install.log
    mkdir -p build
    if command -v apt-get > /dev/null; then packages=$2; else packages=$3; fi
    if ! as_root true 2> /dev/null; then
        die "$why needs $packages: install it, or run this as root"
    fi
    say "$why needs $packages, installing"
    if command -v apt-get > /dev/null; then
        as_root apt-get -qq update > "$log" 2>&1 || true    # one dead repository must not stop the others
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $packages >> "$log" 2>&1
    elif command -v dnf > /dev/null; then
        as_root dnf -q -y install $packages > "$log" 2>&1
    elif command -v yum > /dev/null; then
        as_root yum -q -y install $packages > "$log" 2>&1
    else
        die "$why needs $packages, and there is no apt-get, dnf or yum to install it with"
    fi || die "$why needs $packages, which could not be installed (see $log)"
}

# need WHY PROGRAM=DEBIAN-PACKAGE[:RPM-PACKAGE] ...: installs the packages of the programs that are not there
need() {
    local why=$1 entry program packages debian='' rpm=''
    shift
    for entry; do
        program=${entry%%=*} packages=${entry#*=}
        PATH=$PATH:/usr/sbin:/sbin command -v "$program" > /dev/null && continue
        [[ "$debian " == *" ${packages%%:*} "* ]] || debian+=" ${packages%%:*}"
        [[ "$rpm " == *" ${packages##*:} "* ]] || rpm+=" ${packages##*:}"
    done
    [ -z "$debian" ] || install_packages "$why" "${debian# }" "${rpm# }"
}

# The lab: hosts in network namespaces, a real etcd, iperf3 and ping in the containers
need_lab() {
    local etcd=etcd-server had_etcd=yes
    command -v etcd > /dev/null || had_etcd=
    if [ -z "$had_etcd" ] && command -v apt-cache > /dev/null && ! apt-cache show etcd-server > /dev/null 2>&1; then
        etcd=etcd                       # Debian 11 and older
    fi
    need 'the lab' etcd=$etcd:etcd etcdctl=etcd-client:etcd ip=iproute2:iproute bridge=iproute2:iproute iptables=iptables ping=iputils-ping:iputils \
        iperf3=iperf3 unshare=util-linux sysctl=procps:procps-ng
    # Debian starts a service with the package; the lab runs an etcd of its own
    if [ -z "$had_etcd" ] && [ -d /run/systemd/system ]; then
        as_root systemctl disable --now etcd > /dev/null 2>&1 || true
    fi
}

# The demo: hosts in network namespaces and nothing else, unless it is to be a real etcd
need_demo() {
    if [[ " $* " == *' --etcd-api '* ]]; then
        need_lab
    else
        need 'the demo' ip=iproute2:iproute bridge=iproute2:iproute nsenter=util-linux
    fi
}

need_rpm() {
    need 'the package' rpmbuild=rpm:rpm-build gzip=gzip
    need_runtime
}

# Booted hosts with systemd; what runs on them is debootstrap's to bring
need_hosts() {
    need_rpm
    need 'the system test' systemd-nspawn=systemd-container:systemd-container debootstrap=debootstrap createrepo_c=createrepo-c:createrepo_c \
        ip=iproute2:iproute nsenter=util-linux pgrep=procps:procps-ng rpm2cpio=rpm2cpio:rpm cpio=cpio readelf=binutils
}

# ---------------------------------------------------------------- the JDK

# Feature release of a JDK's folder, empty when it is no JDK
jdk_release() {
    [ -x "$1/bin/javac" ] && sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2> /dev/null || true
}

# The JDK to use: JAVA_HOME when it is new enough, else the newest of the PATH and the usual folders; empty when there is none
jdk_found() {
    local home release best='' best_release=$((JAVA_RELEASE - 1)) on_path
    release=$(jdk_release "${JAVA_HOME:-/nonexistent}")
    if [ "${release:-0}" -ge $JAVA_RELEASE ]; then
        echo "$JAVA_HOME"
        return
    fi
    on_path=$(readlink -f "$(command -v javac)" || true)
    for home in "${on_path%/bin/javac}" /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /opt/* /opt/*/* /usr/local/*jdk* \
            "${HOME:-/root}"/.sdkman/candidates/java/* "${HOME:-/root}"/.jdks/* "$PWD"/build/jdk; do
        release=$(jdk_release "$home")
        if [ "${release:-0}" -gt "$best_release" ]; then
            best=$home best_release=$release
        fi
    done
    echo "$best"
}

need_jdk() {
    JDK=$(jdk_found)
    if [ -z "$JDK" ]; then
        install_jdk
        JDK=$(jdk_found)
    fi
    [ -n "$JDK" ] || die "no JDK of release $JAVA_RELEASE or newer found: install one and set JAVA_HOME to it"
    export JAVA_HOME=$JDK
}

install_jdk() {
    local package=''
    if command -v apt-cache > /dev/null; then
        as_root true 2> /dev/null && as_root apt-get -qq update > /dev/null 2>&1 || true
        package=$(apt-cache pkgnames | sed -nE 's/^((openjdk)-([0-9]+)-jdk-headless|(temurin)-([0-9]+)-jdk)$/\3\5 \1/p' |
            awk -v least=$JAVA_RELEASE '$1 >= least' | sort -n | tail -n 1 | cut -d ' ' -f 2)
    elif command -v dnf > /dev/null && dnf -q list java-latest-openjdk-devel > /dev/null 2>&1; then
        package=java-latest-openjdk-devel
    fi
    if [ -n "$package" ]; then
        install_packages 'the build' "$package" "$package"
    else
        bring_jdk
    fi
}

# fetch URL FILE: follows redirects and goes by the environment's proxy
fetch() {
    if command -v curl > /dev/null; then
        curl -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 60 -o "$2" "$1"
    elif command -v wget > /dev/null; then
        wget -nv --tries=1 --timeout=60 -O "$2" "$1"
    else
        echo 'neither curl nor wget is installed' >&2
        return 1
    fi
}

# Eclipse Temurin into build/jdk, or what JDK_URL names: JDK_SHA256, or the file JDK_URL.sha256.txt beside it, says what it has to be.
# Nothing is there by that name before it is whole.
bring_jdk() {
    local url=${JDK_URL:-} sum=${JDK_SHA256:-} new=build/jdk.new machine
    mkdir -p build
    rm -rf $new
    mkdir $new
    trap 'rm -rf build/jdk.new' EXIT
    if [ -z "$url" ]; then
        machine=$(uname -m)
        case $machine in
            x86_64)  machine=x64 ;;
            aarch64) ;;
            *) die "no JDK of release $JAVA_RELEASE or newer found, and none is known for $machine: unpack one below /opt, or set JAVA_HOME" ;;
        esac
        try_fetch "$TEMURIN$machine" $new/answer
        tr -d ' \n' < $new/answer | tr ',{}' '\n\n\n' > $new/members
        url=$(sed -n 's/^"link":"\(.*\.tar\.gz\)"$/\1/p' $new/members | head -n 1)
        sum=$(sed -n 's/^"checksum":"\(.*\)"$/\1/p' $new/members | head -n 1)
        [ -n "$url" ] || die "no archive of a JDK is named by $TEMURIN$machine: set JDK_URL to one, or JAVA_HOME to a JDK"
    elif [ -z "$sum" ]; then
        try_fetch "$url.sha256.txt" $new/sum
        read -r sum _ < $new/sum || true
    fi
    [[ "$sum" =~ ^[0-9a-fA-F]{64}$ ]] || die "no SHA-256 is published for $url: set JDK_SHA256 to it"
    say "no JDK of release $JAVA_RELEASE or newer found, bringing $url"
    try_fetch "$url" $new/archive
    echo "${sum,,}  $new/archive" | sha256sum --check --status - ||
        die "what came from $url is not what was published: its SHA-256 is not $sum but $(sha256sum < $new/archive | cut -d ' ' -f 1)"
    mkdir $new/jdk
    tar -xzf $new/archive -C $new/jdk --strip-components=1 2> $new/reason ||
        die "what came from $url can't be unpacked: $(tail -n 1 $new/reason)"
    [ "$(jdk_release $new/jdk)" -ge $JAVA_RELEASE ] 2> /dev/null || die "what came from $url is no JDK of release $JAVA_RELEASE or newer"
    rm -rf build/jdk
    mv $new/jdk build/jdk
    rm -rf $new
    trap - EXIT
}

# A download, or one sentence why not
try_fetch() {
    fetch "$1" "$2" 2> build/jdk.new/reason || die "$1 could not be downloaded: $(tail -n 1 build/jdk.new/reason) (JDK_URL names another place," \
        "JAVA_HOME a JDK that is there)"
}

# ---------------------------------------------------------------- compiling

# True when a file or folder among the arguments is newer than the first, or the first is not there
outdated() {
    local product=$1
    shift
    [ ! -e "$product" ] || [ -n "$(find "$@" -newer "$product" -print -quit)" ]
}

compile() {
    need_jdk
    mkdir -p build
    if outdated build/flanneld.jar src build.sh; then
        rm -rf build/classes build/runtime.done
        "$JDK/bin/javac" "${JAVAC_OPTIONS[@]}" -Xlint:all,-restricted -Werror -d build/classes $(find src -name '*.java' | LC_ALL=C sort)
        (cd src && find . -type f ! -name '*.java' -exec cp --parents {} ../build/classes \;)
        printf 'Enable-Native-Access: ALL-UNNAMED\n' > build/manifest   # for java -jar; a module is given it by name
        "$JDK/bin/jar" --create --file build/flanneld.jar.new --date "$(source_date)" --main-class flannel.Main \
            --manifest build/manifest -C build/classes .
        mv build/flanneld.jar.new build/flanneld.jar
    fi
    write_launcher
}

# The runtime image of the package, with the classes linked ahead of time. It holds the jar's classes, so it goes when the jar is made anew.
need_runtime() {
    compile
    if outdated build/runtime.done rpm/runtime.sh rpm/classes.list etc/jvm.options build/flanneld.jar; then
        need 'the runtime image' strip=binutils
        rpm/runtime.sh
        touch build/runtime.done
    fi
}

# When the sources last changed, for the jar's entries: two builds of a commit are the same bytes
source_date() {
    local seconds
    seconds=$(git log -1 --format=%ct -- src 2> /dev/null || true)
    date -u -d "@${seconds:-1500000000}" +%Y-%m-%dT%H:%M:%SZ
}

# build/flanneld becomes the JVM: one process, one process id. The JVM's options are those of the installed daemon; once its runtime
# image is built, that is what runs.
write_launcher() {
    sed -e "s|@JAVA@|$JDK/bin/java|" -e "s|@BUILD@|$PWD/build|g" -e "s|@OPTIONS@|$PWD/etc/jvm.options|" > build/flanneld.new <<'END'
#!/bin/bash
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS
[ ! -e "@BUILD@/runtime.done" ] || exec "@BUILD@/runtime/bin/flanneld" "$@"
exec -a flanneld "@JAVA@" "@@OPTIONS@" -p "@BUILD@/flanneld.jar" -m flannel "$@"
END
    chmod 755 build/flanneld.new
    if cmp -s build/flanneld.new build/flanneld; then rm build/flanneld.new; else mv build/flanneld.new build/flanneld; fi
}

# ---------------------------------------------------------------- testing

need_junit() {
    local jar=build/lib/junit.jar
    [ -f $jar ] && return
    need 'JUnit' mvn=maven
    JAVA_HOME=$JDK mvn -B dependency:copy -Dartifact=$JUNIT -DoutputDirectory=build/lib -Dmdep.stripVersion=true \
        > build/maven.log 2>&1 || die "Maven could not bring $JUNIT (see build/maven.log)"
    echo "$JUNIT_SHA256  build/lib/junit-platform-console-standalone.jar" | sha256sum --check --quiet - ||
        die "the JUnit that Maven brought is not the one expected: see JUNIT_SHA256 in build.sh"
    mv build/lib/junit-platform-console-standalone.jar $jar
}

compile_tests() {
    need_junit
    outdated build/test-classes/.done test build/flanneld.jar || return 0
    rm -rf build/test-classes
    "$JDK/bin/javac" "${JAVAC_OPTIONS[@]}" -Xlint:all,-restricted,-try -cp build/classes:build/lib/junit.jar \
        -d build/test-classes $(find test -name '*.java')
    mkdir -p build/test-classes/META-INF/services
    echo flannel.TestReport > build/test-classes/META-INF/services/org.junit.platform.launcher.TestExecutionListener
    touch build/test-classes/.done
}

run_tests() {
    compile
    need_lab
    compile_tests
    if [ $# = 0 ]; then all_tests; else junit "$@"; fi | sum_up
}

# The lab waits most of its time, for leases to end and for faults to pass: what needs no hosts runs beside it. But the packet loop, which is
# tried with more than it can do, needs the processors for itself.
all_tests() {
    junit --scan-classpath build/test-classes --exclude-package=flannel.lab --exclude-package=flannel.backend.udp > build/tests.log 2>&1 &
    trap 'kill $(jobs -p) 2> /dev/null' EXIT
    junit --scan-classpath build/test-classes --include-package=flannel.lab
    wait
    cat build/tests.log
    junit --scan-classpath build/test-classes --include-package=flannel.backend.udp
    system_tests
}

junit() {
    "$JDK/bin/java" -XX:+UseSerialGC -XX:-UsePerfData --enable-native-access=ALL-UNNAMED -jar build/lib/junit.jar execute \
        --disable-banner --details=none -cp build/classes:build/test-classes "$@" ||
        [ $? = 1 ] || echo '0 passed, 1 failed, 0 skipped'      # 1: tests failed, and are counted
}

system_tests() {
    (need_hosts) || true                # without them it says what is missing, and is skipped
    test/system/run.sh || [ $? = 4 ] || echo '0 passed, 1 failed, 0 skipped'        # 4: checks failed, and are counted
}

# Passes the rings' output on and adds up their lines "N passed, N failed, N skipped" to one last line
sum_up() {
    local line passed=0 failed=0 skipped=0
    while IFS= read -r line; do
        if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
            passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
        else
            printf '%s\n' "$line"
        fi
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# ---------------------------------------------------------------- showing and measuring

# Runs a main class of the tests, which needs no JUnit
lab_main() {
    local class=$1 limits=()
    shift
    compile
    case $class in
        lab.Demo) need_demo "$@" ;;
        lab.*)    need_lab ;;
        fuzz.*)   limits=($(grep -E '^-X(mx|ss)' etc/jvm.options) -XX:-OmitStackTraceInFastThrow) ;;     # the limits of a daemon
    esac
    if outdated build/lab-classes/.done test build/flanneld.jar; then
        rm -rf build/lab-classes
        "$JDK/bin/javac" "${JAVAC_OPTIONS[@]}" -cp build/classes -sourcepath test -implicit:class -d build/lab-classes \
            test/flannel/lab/{Demo,Training,ControlBench,CostBench,StartBench,UdpBench,faults/FaultLab}.java test/flannel/store/StoreBench.java test/flannel/fuzz/FuzzLab.java
        touch build/lab-classes/.done
    fi
    as_root true 2> /dev/null || die "network namespaces need root: run this as root"
    as_root "$JDK/bin/java" "${limits[@]}" -XX:+UseSerialGC -XX:-UsePerfData --enable-native-access=ALL-UNNAMED -cp build/classes:build/lab-classes \
        "-Dflannel.peer=${PEER:-}" "flannel.$class" "$@"
}

demo() {
    if [[ " $* " == *' --keep '* ]] && [ -t 0 ]; then       # one key, not a line
        trap "stty $(stty -g)" EXIT
        stty -icanon -echo
    fi
    lab_main lab.Demo "$@"
}

bench() {
    case ${1:-} in
        control) shift; need_runtime; lab_main lab.ControlBench "$@" ;;
        costs)   shift; need_runtime; lab_main lab.CostBench "$@" ;;
        store)   shift; lab_main store.StoreBench "$@" ;;
        start)   shift; need_runtime; lab_main lab.StartBench "$@" ;;
        udp)     shift; need 'the measurement' sockperf=sockperf ethtool=ethtool; need_runtime; lab_main lab.UdpBench "$@" ;;
        *)       usage >&2; exit 2 ;;
    esac
}

main "$@"
