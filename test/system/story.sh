# The story that run.sh tells: functions on, check, says of run.sh, and the hosts of nodes.sh.

NODE1=192.168.32.211
NODE2=192.168.32.212
ETCD=192.168.32.213
KEYS=/atomic.io/network

tell_story() {
    make_root && make_repository && make_switch && boot_hosts || return 1
    install_old_package
    upgrade_to_ours
    start_flanneld
    check_before_docker
    slip_in_the_settings
    start_docker
    containers_talk
    check_when_all_is_well
    daemon_goes_and_comes
    change_to_udp
    change_to_vxlan
    host_reboots
    etcd_comes_late
    etcd_stays_away
    upgrade_while_running
    erase
}

# ---------------------------------------------------------------- the hosts

make_repository() {
    say "A repository with what came before our package"
    mkdir -p "$WORK/repo"
    rpmbuild -bb --quiet --define "_topdir $WORK/rpmbuild" --define "_dbpath $WORK/rpmbuild/db" --define "_rpmdir $WORK/repo" \
        test/system/stand-ins.spec > "$WORK/rpmbuild.log" 2>&1 || { cat "$WORK/rpmbuild.log"; return 1; }
    createrepo_c -q "$WORK/repo"
}

boot_hosts() {
    say "Three hosts: one with etcd, two with Docker"
    local host unit busybox=$WORK/busybox
    for host in node1 node2 etcd; do prepare_node $host || return 1; done
    mkdir -p "$busybox"/{bin,etc,tmp}
    cp "$ROOT/bin/busybox" "$busybox/bin"
    for unit in sh ping ip wget cat sleep; do ln -s busybox "$busybox/bin/$unit"; done
    for host in node1 node2; do
        ln -s /dev/null "$WORK/$host/root/etc/systemd/system/etcd.service"
        mkdir -p "$WORK/$host/root/etc/"{yum.repos.d,dnf/vars}
        printf '[flannel]\nname=flannel\nbaseurl=file:///srv/repo\ngpgcheck=0\nmetadata_expire=0\n' > "$WORK/$host/root/etc/yum.repos.d/flannel.repo"
        echo 7 > "$WORK/$host/root/etc/dnf/vars/releasever"
        cp -r "$WORK/repo" "$WORK/$host/root/srv"
        tar -C "$busybox" -cf "$WORK/$host/root/srv/busybox.tar" .
    done
    for host in node1 node2; do         # the story starts Docker more often within a minute than systemd lets a service by default
        mkdir -p "$WORK/$host/root/etc/systemd/system/docker.service.d"
        printf '[Unit]\nStartLimitIntervalSec=0\n' > "$WORK/$host/root/etc/systemd/system/docker.service.d/often.conf"
    done
    # dockerd sets the FORWARD policy to DROP, unless forwarding was on before it started: one host of each kind.
    echo 'net.ipv4.ip_forward = 1' > "$WORK/node2/root/etc/sysctl.d/forward.conf"
    for unit in docker.service docker.socket containerd.service; do ln -s /dev/null "$WORK/etcd/root/etc/systemd/system/$unit"; done
    printf 'ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379\nETCD_ADVERTISE_CLIENT_URLS=http://%s:2379\nETCD_ENABLE_V2=true\n' $ETCD \
        > "$WORK/etcd/root/etc/default/etcd"
    boot etcd $ETCD && boot node1 $NODE1 && boot node2 $NODE2 &&
        await 20 is_active etcd etcd && await 20 is_active node1 docker && await 20 is_active node2 docker
}

is_active() { [ "$(on_quietly "$1" "systemctl is-active $2")" = active ]; }
is_not_active() { ! is_active "$@"; }
main_pid() { on_quietly "$1" 'systemctl show -p MainPID --value flanneld'; }
subnet_of() { on_quietly "$1" '. /run/flannel/subnet.env; echo ${FLANNEL_SUBNET%.1/24}'; }
address_of() { on_quietly "$1" "docker inspect -f '{{.NetworkSettings.IPAddress}}' $2"; }

# ---------------------------------------------------------------- the package

install_old_package() {
    say "CentOS 7's package (a stand-in with its name, version and files), with settings as in the tutorial"
    for host in node1 node2; do
        on $host 'dnf -q -y install flannel; rpm -q flannel'
        check "$host has the old package" says '^flannel-0\.7\.1-4\.el7'
    done
    on node1 "sed -i 's;^FLANNEL_ETCD_ENDPOINTS=.*;FLANNEL_ETCD_ENDPOINTS=\"http://$ETCD:2379\";' /etc/sysconfig/flanneld"
    on node1 'systemctl enable flanneld'
}

upgrade_to_ours() {
    say "yum upgrade flannel"
    for host in node1 node2; do
        cp build/rpm/flannel-*.rpm "$WORK/$host/root/srv/repo/" && createrepo_c -q --update "$WORK/$host/root/srv/repo"
        on $host 'dnf -q -y upgrade flannel; rpm -q flannel'
        check "$host has ours" says '^flannel-1\.'
        on $host 'systemctl is-active flanneld'
        check "it was not started" says '^inactive$'
    done
    on node1 'grep ^FLANNEL /etc/sysconfig/flanneld; ls /etc/sysconfig/flanneld*; rpm -V flannel'
    check "edited settings survived" says "^FLANNEL_ETCD_ENDPOINTS=\"http://$ETCD:2379\"$"
    check "the new ones lie beside them" says '^/etc/sysconfig/flanneld.rpmnew$'
    check "nothing else differs from the package" says_not '/(usr|run|var)/'
    on node1 'ls -d /etc/systemd/system/docker.service.*/*'
    check "Docker no longer requires flanneld" says_not 'docker.service.requires'
    check "Docker wants flanneld" says 'docker.service.wants'
    on node2 'flanneld -J-Xshare:on -version'
    check "the installed program runs with its archive of classes" says '^v1\.'
    on node2 'rpm -V flannel && systemctl is-enabled flanneld'
    check "an upgrade enables nothing" says '^disabled$'
    on node2 "sed -i -e 's;^FLANNEL_ETCD_ENDPOINTS=.*;FLANNEL_ETCD_ENDPOINTS=\"http://$ETCD:2379\";' \
-e 's;^#FLANNEL_OPTIONS=.*;FLANNEL_OPTIONS=\"-iface=eth0 -v=1\";' /etc/sysconfig/flanneld && grep ^FLANNEL /etc/sysconfig/flanneld"
    check "recipes match the lines of the new file" says '^FLANNEL_OPTIONS="-iface=eth0 -v=1"$'
    on node2 'systemd-analyze verify --man=no flanneld.service docker.service && echo clean'
    check "systemd finds no fault in the units" says '^clean$'
    on node2 'systemd-analyze security --no-pager flanneld | tail -n 1'
}

start_flanneld() {
    local host subnet
    say "The network's configuration, and flanneld on both hosts"
    on etcd "ETCDCTL_API=2 etcdctl --endpoints=http://$ETCD:2379 set $KEYS/config '{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}'"
    for host in node1 node2; do
        on $host 'systemctl start flanneld && systemctl enable flanneld && systemctl --no-pager status flanneld'
        check "$host: active" says 'Active: active \(running\)'
        check "$host: systemd shows a process flanneld" says 'Main PID: [0-9]+ \(flanneld\)'
        check "$host: and what it says of itself" says 'Status: ".+"'
        subnet=$(subnet_of $host)
        on $host 'cat /run/flannel/docker'
        check "$host: options for Docker" says "^DOCKER_NETWORK_OPTIONS=\" --bip=${subnet//./\\.}\.1/24 --ip-masq=true --mtu=1450\"$"
        on $host 'ps -ef | grep [f]lanneld'
        check "$host: a process people recognise" says "[0-9] /usr/bin/flanneld -etcd-endpoints=http://$ETCD:2379 -etcd-prefix=$KEYS( -iface=eth0 -v=1)?$"
        on $host 'pidof flanneld; pgrep -x flanneld'
        check "$host: pidof and pgrep find it" test "$OUTPUT" = "$(main_pid $host)"$'\n'"$(main_pid $host)"
        on $host 'journalctl --no-pager -u flanneld -o cat'
        check "$host: the lease is in the log" says "Lease acquired: ${subnet//./\\.}\.0/24"
        check "$host: in glog's form" says '^I[0-9]{4} [0-9:]{8}\.[0-9]{6} +[0-9]+ [A-Za-z]+\.java:[0-9]+\] Lease acquired'
        check "$host: nothing of the JVM is" says_not 'WARNING|Picked up|\[warning\]|java\.'
        # Docker was started at boot, with a bridge of its own.
        check "$host: Docker's other address is noticed, with the remedy" says 'docker0.*172\.17\.0\.1.*systemctl restart docker'
        on $host 'grep NoNewPrivs /proc/$(pidof flanneld)/status'
        check "$host: SELinux may change its domain" says '0$'
    done
    on etcd "ETCDCTL_API=2 etcdctl --endpoints=http://$ETCD:2379 ls $KEYS/subnets"
    check "etcd has both leases" test "$(printf '%s\n' "$OUTPUT" | grep -c "^$KEYS/subnets/10\.1\.[0-9]*\.0-24$")" = 2
}

check_before_docker() {
    local host
    say "flanneld check, where Docker was started before flanneld and without its options, and on node2 with a unit that does not start by itself"
    on node2 'systemctl disable flanneld'
    for host in node1 node2; do
        on $host 'flanneld check; echo "exit code $?"'
        check "$host: dockerd's options are named" says "^FAIL +docker .*172\.17\.0\.1.* wants 10\.1\..*without --bip"
        check "$host: and who was first" says '^warn +unit .*Docker was started before flanneld'
        check "$host: nothing else fails" test "$(printf '%s\n' "$OUTPUT" | grep -c '^FAIL')" = 1
        check "$host: the exit code says so" says '^exit code 2$'
    done
    check "node2: so is the disabled unit" says '^warn +unit .*disabled'
    on node2 'systemctl enable flanneld'
}

check_when_all_is_well() {
    local host
    say "flanneld check on hosts with Docker"
    for host in node1 node2; do
        on $host 'flanneld check; echo "exit code $?"'
        check "$host: nothing is wrong" says_not '^(warn|FAIL)'
        check "$host: and so says the exit code" says '^exit code 0$'
    done
}

slip_in_the_settings() {
    say "An option without its dash"
    on node2 "sed -i 's;^FLANNEL_OPTIONS=.*;FLANNEL_OPTIONS=\"iface=eth0 -v=1\";' /etc/sysconfig/flanneld && systemctl restart flanneld"
    on node2 'systemctl show -p Result,ExecMainStatus,NRestarts flanneld'
    check "it fails, with the status of a wrong command line" says '^ExecMainStatus=2$'
    check "and is not tried again" says '^NRestarts=0$'
    on node2 'systemctl --no-pager --full status flanneld'
    OUTPUT=$(printf '%s\n' "$OUTPUT" | grep 'flanneld-start\[' | tail -n 1)
    check "its last line names the word, what was meant, and the file" says 'stray word "iface=eth0".*-iface=eth0.*/etc/sysconfig/flanneld'
    on node2 "sed -i 's;^FLANNEL_OPTIONS=.*;FLANNEL_OPTIONS=\"-iface=eth0 -v=1\";' /etc/sysconfig/flanneld && systemctl restart flanneld"
    check "put right, it starts" is_active node2 flanneld
}

# ---------------------------------------------------------------- Docker

start_docker() {
    local host policy subnet
    say "Docker with flanneld's options. Its unit here does not know them, as docker-ce's does not: the package's example mends that"
    on node2 'mv /usr/sbin/dockerd /usr/bin/dockerd'                # where docker-ce has it; node1's is where Debian has it
    for host in node1 node2; do
        subnet=$(subnet_of $host)
        on $host 'mkdir -p /etc/systemd/system/docker.service.d
    cp /usr/share/doc/flannel-*/flannel-docker-ce.conf /etc/systemd/system/docker.service.d/'
        on $host 'systemctl daemon-reload && systemctl restart docker && ps -o args= -C dockerd'
        check "$host: dockerd has the options" says "--bip=${subnet//./\\.}\.1/24 --ip-masq=true --mtu=1450"
        on $host 'ip -4 -brief address show docker0; iptables -S FORWARD | head -n 1'
        check "$host: docker0 has the subnet" says "docker0 .* ${subnet//./\\.}\.1/24"
        policy=DROP
        if [ $host = node2 ]; then policy=ACCEPT; fi
        check "$host: the FORWARD policy is $policy" says "^-P FORWARD $policy"
    done
}

containers_talk() {
    say "A container on each host"
    on node1 "docker import -c 'CMD [\"sh\"]' /srv/busybox.tar busybox && docker run -itd --stop-timeout 1 --name test01 busybox"
    on node2 "docker import -c 'CMD [\"sh\"]' /srv/busybox.tar busybox && docker run -itd --stop-timeout 1 --name test02 busybox"
    ping_both_ways 1422
}

# ping_both_ways SIZE: the largest payload that fits
ping_both_ways() {
    on node1 "docker exec test01 ping -c 3 -W 2 $(address_of node2 test02)"
    check "test01 reaches test02" says ' 0% packet loss'
    on node2 "docker exec test02 ping -c 3 -W 2 -s $1 $(address_of node1 test01)"
    check "test02 reaches test01 with full packets" says ' 0% packet loss'
}

# start_ping: 20 a second from test01 to test02, until stop_ping
start_ping() {
    on_quietly node1 "nsenter -n -t \$(docker inspect -f '{{.State.Pid}}' test01) ping -i 0.05 $(address_of node2 test02) > /tmp/ping 2>&1 & echo \$! > /tmp/ping.pid"
}

stop_ping() {
    sleep 0.5
    on_quietly node1 'kill -INT $(cat /tmp/ping.pid); while kill -0 $(cat /tmp/ping.pid) 2> /dev/null; do sleep 0.1; done'
    on node1 'tail -n 3 /tmp/ping'
    check "$1" says ' 0% packet loss'
}

# ---------------------------------------------------------------- what happens to the daemon

daemon_goes_and_comes() {
    local host before
    say "flanneld is restarted, killed and stopped under a running ping"
    start_ping
    on node1 'systemctl restart flanneld'
    on node2 'systemctl restart flanneld'
    before=$(main_pid node2)
    on node2 'kill -9 $(pidof flanneld)'
    check "systemd starts it again" await 30 restarted node2 "$before"
    on node2 'systemctl show -p NRestarts flanneld'
    on node1 'systemctl stop flanneld; systemctl is-active flanneld docker'
    check "Docker goes on without flanneld" says '^active$'
    on node1 'systemctl start flanneld'
    stop_ping "not one packet was lost"
}

restarted() { is_active "$1" flanneld && [ "$(main_pid "$1")" != "$2" ]; }

change_to_udp() {
    say "The same over the udp backend"
    change_backend udp ', "Port": 443'
    on node1 'ss -lunp "sport = 443"'
    check "a port below 1024 is allowed" says ':443 .*flanneld'
    on node1 'ip -brief address show flannel0'
    check "there is a TUN device" says '^flannel0 .* 10\.1\.'
    ping_both_ways 1444
}

change_to_vxlan() {
    say "And back to vxlan"
    change_backend vxlan ''
    on node1 'journalctl --no-pager -u flanneld -o cat -n 20'
    check "containers whose packets are too large now are told of" says 'docker0 has an MTU of 1472.* 1450 .*systemctl restart docker'
    ping_both_ways 1422
}

# The kernel remembers for 30 s by which device a masqueraded ping has left, and drops the first one of the same number that leaves by
# another (nf_nat_oif_changed). busybox' pings in a container that has just started have the same numbers as those in the one before.
forget_old_pings() {
    on_quietly node1 "docker exec test01 ping -c 1 -W 1 $(address_of node2 test02)" > /dev/null
    on_quietly node2 "docker exec test02 ping -c 1 -W 1 $(address_of node1 test01)" > /dev/null
}

# change_backend TYPE MEMBERS: with further members of Backend
change_backend() {
    local host subnet mtu=1450
    if [ "$1" = udp ]; then mtu=1472; fi
    on etcd "ETCDCTL_API=2 etcdctl --endpoints=http://$ETCD:2379 set $KEYS/config '{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"$1\"$2}}'"
    for host in node1 node2; do
        subnet=$(subnet_of $host)
        on $host 'systemctl restart flanneld && systemctl restart docker && docker start $(docker ps -aq) && ps -o args= -C dockerd'
        check "$host: dockerd has the same subnet and MTU $mtu" says "--bip=${subnet//./\\.}\.1/24 --ip-masq=true --mtu=$mtu"
    done
    forget_old_pings
}

host_reboots() {
    local subnet
    say "node1 reboots"
    subnet=$(subnet_of node1)
    shut_down node1
    boot node1 $NODE1
    check "Docker comes up by itself" await 30 is_active node1 docker
    on node1 'systemctl is-active flanneld docker; cat /run/flannel/subnet.env; docker start test01'
    check "with flanneld before it" says_not '^(inactive|activating|failed)$'
    check "the subnet is the same" says "^FLANNEL_SUBNET=${subnet//./\\.}\.1/24$"
    on node1 'journalctl --no-pager -b -u flanneld -o cat -g Lease'
    check "the host is known again" says_not 'another installation'
    ping_both_ways 1422
}

etcd_comes_late() {
    say "node2 reboots while etcd is down"
    on etcd 'systemctl stop etcd'
    shut_down node2
    boot node2 $NODE2
    check "flanneld comes up on what it remembers" await 20 is_active node2 flanneld
    check "and Docker with it" await 30 is_active node2 docker
    on node2 'systemctl show -p StatusText flanneld'
    check "and it says so" says 'going by what this host remembers'
    on node2 'docker start test02'
    ping_both_ways 1422
    on etcd 'systemctl start etcd'
    check "with etcd it goes by that again" await 60 goes_by_etcd node2
    ping_both_ways 1422
}

etcd_stays_away() {
    local subnet
    say "node2 reboots while etcd is down, which could be in node2's own Docker, and is not to go by what it remembers. The limit of 90 seconds is 5 here"
    subnet=$(subnet_of node2)
    on node2 'mkdir -p /etc/systemd/system/flanneld.service.d
    printf "[Service]\nTimeoutStartSec=5\nEnvironment=FLANNELD_START_ALONE=false\n" > /etc/systemd/system/flanneld.service.d/limit.conf'
    on etcd 'systemctl stop etcd'
    shut_down node2
    boot node2 $NODE2
    check "Docker comes up without flanneld" await 60 is_active node2 docker
    on node2 'timeout 60 systemctl restart docker; ip -4 -brief address show docker0'
    check "it can be started anew meanwhile" is_active node2 docker
    check "flanneld goes on trying, and says what it waits for" await 20 waits_for_etcd node2
    on etcd 'systemctl start etcd'
    check "with etcd it comes up" await 60 is_active node2 flanneld
    # Docker remembers its bridge's address, but no MTU.
    on node2 'docker start test02'
    check "and says that Docker has not got its options" await 30 hints_at_docker node2
    on node2 'journalctl --no-pager -b -u flanneld -o cat | grep docker0'
    on node2 'systemctl restart docker && docker start test02 && ip -4 address show docker0'
    check "now it has" says 'docker0:.* mtu 1450 '
    check "and the subnet is the same" says "inet ${subnet//./\\.}\.1/24"
    ping_both_ways 1422
    on node2 'rm -r /etc/systemd/system/flanneld.service.d && systemctl daemon-reload'
}

hints_at_docker() {
    on_quietly "$1" 'journalctl --no-pager -b -u flanneld -o cat' | grep -q 'docker0 has .*systemctl restart docker'
}

goes_by_etcd() {
    on_quietly "$1" 'systemctl show -p StatusText flanneld' | grep -v remembers | grep -q subnet
}

waits_for_etcd() {
    [ "$(on_quietly "$1" 'systemctl is-active flanneld')" = activating ] &&
        on_quietly "$1" 'systemctl show -p StatusText flanneld' | grep -q 'waiting for .*connection refused'
}

# ---------------------------------------------------------------- the end of the package

upgrade_while_running() {
    local before
    say "The package is installed anew while flanneld runs"
    before=$(main_pid node1)
    start_ping
    on node1 'dnf -q -y reinstall flannel'
    check "flanneld runs, a new one" await 20 restarted node1 "$before"
    stop_ping "not one packet was lost"
}

erase() {
    say "The package is erased"
    on node1 'dnf -q -y remove flannel; rpm -q flannel; systemctl is-active flanneld docker'
    check "flanneld is stopped" says '^inactive$'
    check "Docker is not" says '^active$'
    on node1 'find /etc /run /usr /var/lib -xdev -name "*flannel*" -not -path "/run/systemd/*" -not -path "/var/lib/docker/*" -not -path "/var/lib/dnf/*" -not -path "/etc/yum.repos.d/*"'
    check "edited settings are saved" says '^/etc/sysconfig/flanneld.rpmsave$'
    # The drop-in was the administrator's, the .rpmnew is rpm's.
    OUTPUT=$(printf '%s\n' "$OUTPUT" | grep -v -e '^/etc/sysconfig/flanneld.rpm\(save\|new\)$' \
        -e '^/etc/systemd/system/docker.service.d/flannel-docker-ce.conf$')
    check "nothing else is left" test -z "$OUTPUT"
    on node1 'iptables-save | grep -v FLANNEL- | iptables-restore; ip link delete flannel.1'
    on node1 'iptables-save; ip link; ip route | grep -v docker0'
    check "what was in the kernel is taken away by README's commands" says_not '(FLANNEL|flannel|10\.1\..* via)'
}
