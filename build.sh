#!/usr/bin/env bash
# Builds and tests flanneld.
set -euo pipefail
cd "$(dirname "$0")"
JAVA_HOME=${JAVA_HOME:-/usr/lib/jvm/temurin-25-jdk-amd64}
JUNIT=1.13.4

compile() {
    mkdir -p build
    rm -rf build/classes
    "$JAVA_HOME/bin/javac" --release 22 -Xlint:all,-restricted -Werror -d build/classes $(find src -name '*.java')
    printf 'Enable-Native-Access: flannel\n' > build/manifest
    "$JAVA_HOME/bin/jar" --create --file build/flanneld.jar --main-class flannel.Main --manifest build/manifest -C build/classes .
}

junit() {
    [ -f build/lib/junit.jar ] && return
    mvn -q -B dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:$JUNIT -DoutputDirectory=build/lib -Dmdep.stripVersion=true
    mv build/lib/junit-platform-console-standalone.jar build/lib/junit.jar
}

# build.sh test [ARGUMENTS OF JUNIT'S CONSOLE, as -c flannel.net.Ipv4Test]
run_tests() {
    compile
    junit
    rm -rf build/test-classes
    mkdir -p build/test-classes
    "$JAVA_HOME/bin/javac" --release 22 -Xlint:all,-restricted -proc:none -cp build/classes:build/lib/junit.jar -d build/test-classes $(find test -name '*.java')
    if [ $# = 0 ]; then set -- --scan-classpath build/test-classes; fi
    "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED -jar build/lib/junit.jar execute -cp build/classes:build/test-classes "$@"
}

case ${1:-} in
    '') compile ;;
    test) shift; run_tests "$@" ;;
esac
