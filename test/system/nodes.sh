# Hosts for the system test: Debian, booted by systemd-nspawn from one root folder that all share, each with its own overlay,
# network namespace, systemd and Docker. Sourced by run.sh. All names begin with "flts-" and the test's process id.

PACKAGES=systemd,systemd-sysv,dbus,iproute2,iptables,iputils-ping,procps,rpm,dnf,docker.io,etcd-server,etcd-client,busybox-static
SUITE=bookworm
CACHE=${FLANNEL_CACHE:-/var/cache/flannel-java}

# The root folder, made once for a list of packages.
make_root() {
    local name root log
    name=$SUITE-$(printf %s "$PACKAGES" | sha256sum | cut -c 1-12)
    ROOT=$CACHE/$name
    [ ! -e "$ROOT" ] || return 0
    say "Making the hosts' root folder $ROOT with debootstrap (once; a minute or two)"
    mkdir -p "$CACHE"
    exec 8> "$CACHE/lock"
    flock 8
    if [ ! -e "$ROOT" ]; then
        rm -rf "$CACHE"/*.new
        root=$ROOT.new log=$CACHE/$name.log
        debootstrap --variant=minbase --include="$PACKAGES" $SUITE "$root" > "$log" 2>&1 || { tail -n 5 "$log" >&2; return 1; }
        rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{man,locale}/* "$root"/etc/hostname
        : > "$root/etc/machine-id"
        mv "$root" "$ROOT"
    fi
    exec 8>&-
}

# The switch that the hosts' eth0 are plugged into.
make_switch() {
    SWITCH=$PREFIX-switch
    ip netns add "$SWITCH"
    ip -n "$SWITCH" link add br0 type bridge
    ip -n "$SWITCH" link set br0 up
}

# prepare_node NAME: its disk
prepare_node() {
    local node=$WORK/$1
    mkdir -p "$node"/{upper,work,root,docker,containerd}
    mount -t overlay "$PREFIX-$1" -o "lowerdir=$ROOT,upperdir=$node/upper,workdir=$node/work" "$node/root"
    echo "$1" > "$node/root/etc/hostname"
    tr -d - < /proc/sys/kernel/random/uuid > "$node/root/etc/machine-id"
    mkdir -p "$node/root/etc/rpm"
    echo '%_dbpath /var/lib/rpm' > "$node/root/etc/rpm/macros"              # Debian's rpm has it in the home folder
    ln -s /dev/null "$node/root/etc/systemd/system/systemd-networkd-wait-online.service"
}

# Cgroups in which a container's systemd makes its own: one on a machine with cgroup2 alone, two where both kinds are.
cgroups() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else ls -d /sys/fs/cgroup/{systemd,unified} 2> /dev/null; fi
}

# boot NAME ADDRESS: plugs it in and boots it; returns when its systemd answers. A network card has the same MAC after a reboot.
boot() {
    local name=$1 node=$WORK/$1 namespace=$PREFIX-$1 cgroup mac
    mac=$(printf '02:00:%02x:%02x:%02x:%02x' ${2//./ })
    ip netns add "$namespace"
    ip -n "$SWITCH" link add "$name" type veth peer name eth0 address "$mac" netns "$namespace"
    ip -n "$SWITCH" link set "$name" master br0 up
    ip -n "$namespace" address add "$2/24" dev eth0
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link set eth0 up
    ip -n "$namespace" route add default via "${2%.*}.1"
    (
        for cgroup in $(cgroups); do
            mkdir -p "$cgroup/$namespace"
            echo $BASHPID > "$cgroup/$namespace/cgroup.procs"
        done
        # Docker needs the capabilities, keyrings and bpf, and a writable /proc/sys. Its images cannot lie on an overlay.
        SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 exec setsid systemd-nspawn --quiet --boot --directory="$node/root" --machine="$namespace" \
            --network-namespace-path="/run/netns/$namespace" --register=no --keep-unit --console=pipe \
            --capability=all --system-call-filter='add_key keyctl bpf' --bind=/dev/net/tun \
            --bind="$node/docker:/var/lib/docker" --bind="$node/containerd:/var/lib/containerd"
    ) > "$node/console" 2>&1 < /dev/null &
    echo $! > "$node/nspawn"
    disown
    await 20 leader "$name" > /dev/null || { cat "$node/console"; return 1; }
    await 20 systemd_is_up "$name" || { cat "$node/console"; return 1; }
    # With cgroup1 nspawn mounts them read-only.
    on_quietly "$name" 'for c in blkio cpu cpuacct cpuset devices freezer memory pids; do
        [ ! -d /sys/fs/cgroup/$c ] || mount -o remount,bind,rw /sys/fs/cgroup/$c; done'
}

# Process id of a host's systemd
leader() {
    pgrep -P "$(cat "$WORK/$1/nspawn")" -x systemd
}

systemd_is_up() {
    case $(on_quietly "$1" 'systemctl is-system-running' 2> /dev/null) in starting | running | degraded) ;; *) return 1 ;; esac
}

# on_quietly NAME COMMANDS: runs a shell on a host
on_quietly() {
    nsenter -t "$(leader "$1")" -a /bin/sh -c "$2"
}

# shut_down NAME: in order, as with "poweroff"; its disk stays
shut_down() {
    kill -s RTMIN+4 "$(leader "$1")"
    await 30 gone "$(cat "$WORK/$1/nspawn")" || kill -9 "$(cat "$WORK/$1/nspawn")"
    unplug "$1"
}

unplug() {
    ip netns delete "$PREFIX-$1" 2> /dev/null
    ip -n "$SWITCH" link delete "$1" 2> /dev/null
    for cgroup in $(cgroups); do
        find "$cgroup/$PREFIX-$1" -depth -type d -exec rmdir {} + 2> /dev/null
    done
    return 0
}

gone() {
    ! kill -0 "$1" 2> /dev/null
}

# await SECONDS COMMAND...: until the command succeeds; fails when it does not in time
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

# remove_all PREFIX: everything of a test, also of one that was killed
remove_all() {
    local work=$BASE/$1 file namespace mounted try
    for file in "$work"/*/nspawn; do
        # The folder's name is in the command line: a process id could be another process's by now.
        if [ -e "$file" ] && grep -qzF "$work" "/proc/$(cat "$file")/cmdline" 2> /dev/null; then
            pkill -9 -P "$(cat "$file")"
            kill -9 "$(cat "$file")"
        fi
    done 2> /dev/null
    for namespace in $(ip netns list | cut -d ' ' -f 1 | grep "^$1-"); do ip netns delete "$namespace"; done
    for try in 1 2 3 4 5 6 7 8 9 10; do
        mounted=$(awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | tac)
        [ -n "$mounted" ] || break
        for file in $mounted; do umount -l "$file" 2> /dev/null; done
        sleep 0.1
    done
    find $(cgroups) /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$1-*" 2> /dev/null | while read -r file; do
        find "$file" -depth -type d -exec rmdir {} + 2> /dev/null
    done
    rm -rf --one-file-system "${work:?}"
}

# What tests that were killed have left behind
remove_leftovers() {
    local left
    for left in "$BASE"/flts-*; do
        [ -e "$left" ] || continue
        left=${left##*/}
        [ -e "/proc/${left#flts-}" ] || remove_all "$left"
    done
}
