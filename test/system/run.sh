#!/usr/bin/env bash
# test/system/run.sh: the package, and the tutorial with real systemd, real Docker and real etcd on three booted hosts.
# Prints a transcript, and at the end how many checks passed. Started by ./build.sh test-system, which has made build/runtime.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. test/system/nodes.sh
. test/system/story.sh
. test/system/package.sh

PREFIX=flts-$$
BASE=${TMPDIR:-/var/tmp}
WORK=$BASE/$PREFIX
PASSED=0
FAILED=0
AGAIN=

main() {
    local reason
    if reason=$(cannot_run); then
        say "Skipped: $reason"
        echo '0 passed, 0 failed, 1 skipped'
        return 0
    fi
    remove_leftovers
    trap 'trap - EXIT; [ -z "$AGAIN" ] || kill -- -"$AGAIN" 2> /dev/null; remove_all "$PREFIX"' EXIT
    trap 'exit 143' TERM
    trap 'exit 130' INT
    mkdir -p "$WORK"
    package_is_right || fail_check "the package can be built"
    source_installs || fail_check "make install"
    build_again
    tell_story || fail_check "the story goes on to its end"
    package_is_reproducible
    if [ "$FAILED" != 0 ]; then
        for host in node1 node2; do
            say "The journal of $host ends so:"
            on_quietly "$host" 'journalctl --no-pager -n 40 -u flanneld' 2>&1 | cut -c 1-200
        done
    fi
    echo "$PASSED passed, $FAILED failed, 0 skipped"
    [ "$FAILED" = 0 ] || return 4
}

# Says why the test can't run here, and fails when it can.
cannot_run() {
    if [ "$EUID" != 0 ]; then echo "the hosts are containers, which only root can boot"; return 0; fi
    for program in systemd-nspawn debootstrap rpmbuild createrepo_c ip nsenter; do
        PATH=$PATH:/usr/sbin command -v $program > /dev/null || { echo "there is no $program, and no apt-get to install it with"; return 0; }
    done
    if ! unshare --mount --net --uts true 2> /dev/null; then echo "no namespaces can be made here"; return 0; fi
    if [ ! -c /dev/net/tun ]; then echo "there is no /dev/net/tun"; return 0; fi
    return 1
}

say() {
    printf '\n%s\n' "$*"
}

# on HOST COMMANDS: as an operator would type them, with their output
on() {
    local status
    printf '[%s]# %s\n' "$1" "$2"
    OUTPUT=$(on_quietly "$1" "$2" 2>&1)
    status=$?
    [ -z "$OUTPUT" ] || printf '%s\n' "$OUTPUT" | cut -c 1-180
    return $status
}

# check WHAT COMMAND...: one test
check() {
    local what=$1
    shift
    if "$@"; then
        PASSED=$((PASSED + 1))
        printf '    ok: %s\n' "$what"
    else
        fail_check "$what"
    fi
}

fail_check() {
    FAILED=$((FAILED + 1))
    printf '    FAILED: %s\n' "$1"
}

# The output of the last "on" has a line that matches an extended regular expression, or has none.
says() { printf '%s\n' "$OUTPUT" | grep -qE -- "$1"; }
says_not() { ! says "$1"; }

main
