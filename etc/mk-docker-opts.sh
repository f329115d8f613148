#!/bin/sh
# Turns flanneld's subnet file into options for Docker's daemon, in a file that systemd or a shell can read.
# It is run as any POSIX shell; nothing in it depends on which.

usage() {
    cat >&2 <<END
$0 [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-k COMBINED-KEY]

Writes Docker's daemon options from flannel's environment file.
    -f  file written by flanneld (default: /run/flannel/subnet.env)
    -d  file to write (default: /run/docker_opts.env)
    -i  only the options one by one, each as a variable DOCKER_OPT_...
    -c  only the options combined in one variable
    -k  name of the combined variable (default: DOCKER_OPTS)
    -m  no --ip-masq, leave masquerading to Docker's own default
With neither -i nor -c both kinds are written.
END
    exit 1
}

fail() {
    echo "$0: $2" >&2
    exit "$1"
}

subnet_file=/run/flannel/subnet.env
docker_file=/run/docker_opts.env
key=DOCKER_OPTS
single=
combined=
masquerade=yes
while getopts f:d:ick:mh option; do
    case $option in
        f) subnet_file=$OPTARG ;;
        d) docker_file=$OPTARG ;;
        i) single=yes ;;
        c) combined=yes ;;
        k) key=$OPTARG ;;
        m) masquerade= ;;
        *) usage ;;
    esac
done
if [ -z "$single$combined" ]; then
    single=yes
    combined=yes
fi
case $key in
    '' | [0-9]* | *[!A-Za-z0-9_]*) fail 1 "-k $key: not the name of a variable" ;;
esac

# No file is no error: Docker then starts with its own defaults.
if [ -f "$subnet_file" ]; then
    case $subnet_file in
        # A name without a slash would be looked up in PATH.
        */*) . "$subnet_file" ;;
        *) . "./$subnet_file" ;;
    esac
fi
if [ -n "$FLANNEL_SUBNET" ]; then DOCKER_OPT_BIP="--bip=$FLANNEL_SUBNET"; fi
if [ -n "$FLANNEL_MTU" ]; then DOCKER_OPT_MTU="--mtu=$FLANNEL_MTU"; fi
if [ -n "$masquerade" ] && [ -n "$FLANNEL_IPMASQ" ]; then
    # One of the two masquerades, never both.
    case $FLANNEL_IPMASQ in
        true) DOCKER_OPT_IPMASQ=--ip-masq=false ;;
        false) DOCKER_OPT_IPMASQ=--ip-masq=true ;;
        *)
            echo "Invalid value of FLANNEL_IPMASQ: $FLANNEL_IPMASQ" >&2
            exit 1
            ;;
    esac
fi

# Every DOCKER_OPT_ variable counts, those of the caller's environment too. A line of `set` can also be the inside of another variable's
# value or of a function, so it only proposes a name.
names=$(set | LC_ALL=C sed -n 's/^\(DOCKER_OPT_[A-Za-z0-9_]*\)=.*/\1/p' | LC_ALL=C sort -u)
eval "all=\$$key"
all=${all:+$all }
lines=
newline='
'
for name in $names; do
    eval "is_set=\${$name+yes} value=\$$name"
    if [ -z "$is_set" ]; then continue; fi
    if [ -n "$single" ]; then lines="$lines$name=\"$value\"$newline"; fi
    all="$all $value"
done
if [ -n "$combined" ]; then lines="$lines$key=\"$all\"$newline"; fi

# Docker may be starting just now, so it must see the old file or the new one, never half of one. What is no plain file is written to.
if [ -e "$docker_file" ] && [ ! -f "$docker_file" ]; then
    printf %s "$lines" >"$docker_file" || exit 2
else
    temporary="$docker_file.$$"
    trap 'rm -f "$temporary"' EXIT
    { printf %s "$lines" >"$temporary"; } && mv -f "$temporary" "$docker_file" || fail 2 "cannot write $docker_file" # the shell has said why
fi
