#!/usr/bin/env bash
# rpm/install.sh DESTDIR PREFIX: installs what build.sh and rpm/runtime.sh have made. The package is made of the same files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$1
prefix=${2%/}

# put MODE FILE PATH: installs a file of etc/, with its paths below /usr changed to the prefix
put() {
    install -d -m 0755 "$root$(dirname "$3")"
    sed -E "s#/usr/(bin/flanneld|libexec/flannel)#$prefix/\1#g" "etc/$2" > "$root$3"
    chmod "$1" "$root$3"
}

# A settings file that is there already stays.
settings=/etc/sysconfig/flanneld
[ -e "$root$settings" ] || put 0644 flanneld.sysconfig $settings
put 0755 flanneld-start "$prefix/bin/flanneld-start"
put 0755 mk-docker-opts.sh "$prefix/libexec/flannel/mk-docker-opts.sh"
put 0644 flanneld.service "$prefix/lib/systemd/system/flanneld.service"
put 0644 flannel-docker.conf "$prefix/lib/systemd/system/docker.service.d/flannel.conf"
put 0755 flannel-tmpfiles.conf "$prefix/lib/tmpfiles.d/flannel.conf"    # the mode of the original
put 0644 flanneld.8 "$prefix/share/man/man8/flanneld.8"
put 0644 flanneld.bash "$prefix/share/bash-completion/completions/flanneld"
put 0644 _flanneld "$prefix/share/zsh/site-functions/_flanneld"
install -d -m 0755 "$root/run/flannel" "$root/var/lib/flannel"

# The name of the file that is run is the name of the process, and a link's name counts.
rm -rf "$root$prefix/libexec/flannel/runtime"
cp -a build/runtime "$root$prefix/libexec/flannel/runtime"
ln -sfn ../libexec/flannel/runtime/bin/flanneld "$root$prefix/bin/flanneld"

if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
