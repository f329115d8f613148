# The story that run.sh tells: functions on, check, says of run.sh, and the hosts of nodes.sh.

NETWORK=/atomic.io/network
NODE1=192.168.32.211
NODE2=192.168.32.212
ETCD=192.168.32.213

tell_story() {
    make_root && make_repository && make_switch || return 1
    install_old_package
    upgrade_to_ours
    start_flanneld
    start_docker
    containers_talk
}

make_repository() {
    say "The package, and a repository with it and what came before"
    rpm/build.sh || return 1
    mkdir -p "$WORK/repo"
    rpmbuild -bb --quiet --define "_topdir $WORK/rpmbuild" --define "_dbpath $WORK/rpmbuild/db" --define "_rpmdir $WORK/repo" \
        test/system/stand-ins.spec > "$WORK/rpmbuild.log" 2>&1 || { cat "$WORK/rpmbuild.log"; return 1; }
    createrepo_c -q "$WORK/repo"
    # Ours comes into the repository later, as a newer version does.
}

boot_hosts() {
    for host in node1 node2 etcd; do prepare_node $host; done
    for host in node1 node2; do
        ln -s /dev/null "$WORK/$host/root/etc/systemd/system/etcd.service"
        mkdir -p "$WORK/$host/root/etc/yum.repos.d" "$WORK/$host/root/srv/repo"
        printf '[flannel]\nname=flannel\nbaseurl=file:///srv/repo\ngpgcheck=0\n' > "$WORK/$host/root/etc/yum.repos.d/flannel.repo"
        cp -r "$WORK/repo" "$WORK/$host/root/srv"
    done
    for unit in docker.service docker.socket containerd.service; do ln -s /dev/null "$WORK/etcd/root/etc/systemd/system/$unit"; done
    printf 'ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379\nETCD_ADVERTISE_CLIENT_URLS=http://%s:2379\nETCD_ENABLE_V2=true\n' $ETCD \
        > "$WORK/etcd/root/etc/default/etcd"
    boot etcd $ETCD && boot node1 $NODE1 && boot node2 $NODE2
}

install_old_package() {
    say "Three hosts: etcd, and two with Docker and CentOS 7's flannel"
    boot_hosts || return 1
    for host in node1 node2; do
        on $host 'dnf -q -y install flannel && rpm -q flannel'
        check "$host has the old package" says '^flannel-0.7.1-4.el7'
    done
    on node1 'systemctl is-active docker containerd; systemctl --failed; docker info | grep -i -E "cgroup|storage"'
}
upgrade_to_ours() { :; }
start_flanneld() { :; }
start_docker() { :; }
containers_talk() { :; }
