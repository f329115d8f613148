# bash completion for flanneld(8), made of its tables of commands and options (test/flannel/cli/Completions.java)

# The options of a command, or of the daemon.
_flanneld_options() {
    case $1 in
        ''|release|cleanup) echo alsologtostderr etcd-api etcd-cafile etcd-certfile etcd-endpoints etcd-keyfile etcd-password etcd-password-file etcd-prefix etcd-username healthz-ip healthz-port help iface iface-can-reach iface-regex ip-blackhole-route ip-masq ip-masq-fully-random-disable iptables-forward-rules iptables-resync kube-annotation-prefix kube-api-url kube-subnet-mgr kubeconfig-file listen log_backtrace_at log_dir logtostderr net-config net-config-path networks probe-interval public-ip release-lease-on-exit remote remote-cafile remote-certfile remote-keyfile set-node-network-unavailable socket start-alone state-dir stderrthreshold store subnet-dir subnet-file subnet-lease-renew-margin udp-queues v version vmodule vxlan-checksum-offload watch-networks ;;
        check) echo alsologtostderr etcd-api etcd-cafile etcd-certfile etcd-endpoints etcd-keyfile etcd-password etcd-password-file etcd-prefix etcd-username healthz-ip healthz-port help iface iface-can-reach iface-regex ip-blackhole-route ip-masq ip-masq-fully-random-disable iptables-forward-rules iptables-resync json kube-annotation-prefix kube-api-url kube-subnet-mgr kubeconfig-file listen log_backtrace_at log_dir logtostderr net-config net-config-path networks probe-interval public-ip release-lease-on-exit remote remote-cafile remote-certfile remote-keyfile set-node-network-unavailable socket start-alone state-dir stderrthreshold store subnet-dir subnet-file subnet-lease-renew-margin udp-queues v version vmodule vxlan-checksum-offload watch-networks ;;
        status) echo help json peer problems socket watch ;;
        lease) echo etcd-api etcd-cafile etcd-certfile etcd-endpoints etcd-keyfile etcd-password etcd-password-file etcd-prefix etcd-username from help json network remote remote-cafile remote-certfile remote-keyfile store to yes ;;
        store) echo etcd-api etcd-cafile etcd-certfile etcd-endpoints etcd-keyfile etcd-password etcd-password-file etcd-prefix etcd-username help network remote remote-cafile remote-certfile remote-keyfile store yes ;;
        report) echo alsologtostderr etcd-api etcd-cafile etcd-certfile etcd-endpoints etcd-keyfile etcd-password etcd-password-file etcd-prefix etcd-username healthz-ip healthz-port help iface iface-can-reach iface-regex ip-blackhole-route ip-masq ip-masq-fully-random-disable iptables-forward-rules iptables-resync kube-annotation-prefix kube-api-url kube-subnet-mgr kubeconfig-file listen log_backtrace_at log_dir logtostderr net-config net-config-path networks o probe-interval public-ip release-lease-on-exit remote remote-cafile remote-certfile remote-keyfile set-node-network-unavailable socket start-alone state-dir stderrthreshold store subnet-dir subnet-file subnet-lease-renew-margin udp-queues v version vmodule vxlan-checksum-offload watch-networks ;;
        help) echo  ;;
    esac
}

# _flanneld_complete PREFIX WORD COMPGEN-ARGUMENT...: adds what begins with WORD
_flanneld_complete() {
    local prefix=$1 word=$2 found
    shift 2
    while IFS= read -r found; do
        COMPREPLY+=("$prefix$found")
    done < <(compgen "$@" -- "$word")
}

_flanneld() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} option='' prefix='' dash name
    COMPREPLY=()
    case " check status lease store release cleanup report help " in
        *" $command "*) [ "$COMP_CWORD" -gt 1 ] || command='' ;;
        *) command='' ;;
    esac
    # The shell may have cut a word at its equals sign.
    if [ "$word" = = ]; then
        option=$before word=''
    elif [ "$before" = = ]; then
        option=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $word = -*=* ]]; then
        option=${word%%=*} prefix=${word%%=*}= word=${word#*=}
    elif [[ $before = -* ]]; then
        option=$before
        name=${before#-} name=${name#-}
        case $name in alsologtostderr|help|ip-blackhole-route|ip-masq|ip-masq-fully-random-disable|iptables-forward-rules|json|kube-subnet-mgr|logtostderr|problems|release-lease-on-exit|set-node-network-unavailable|start-alone|version|watch|watch-networks|yes) option='' ;; esac     # a flag never takes the next word
    fi
    if [[ $option = -* ]]; then
        name=${option#-} name=${name#-}
        case $name in
            etcd-api) _flanneld_complete "$prefix" "$word" -W 'auto v2 v3' ;;
            from) _flanneld_complete "$prefix" "$word" -W 'v2 v3' ;;
            stderrthreshold) _flanneld_complete "$prefix" "$word" -W 'INFO WARNING ERROR FATAL' ;;
            to) _flanneld_complete "$prefix" "$word" -W 'v2 v3' ;;
            vxlan-checksum-offload) _flanneld_complete "$prefix" "$word" -W 'auto on off' ;;
            alsologtostderr|help|ip-blackhole-route|ip-masq|ip-masq-fully-random-disable|iptables-forward-rules|json|kube-subnet-mgr|logtostderr|problems|release-lease-on-exit|set-node-network-unavailable|start-alone|version|watch|watch-networks|yes) _flanneld_complete "$prefix" "$word" -W 'true false' ;;
            iface) _flanneld_complete "$prefix" "$word" -W "$(cd /sys/class/net 2> /dev/null && echo *)" ;;
            etcd-cafile|etcd-certfile|etcd-keyfile|etcd-password-file|kubeconfig-file|net-config-path|o|remote-cafile|remote-certfile|remote-keyfile|socket|subnet-file) compopt -o filenames 2> /dev/null; _flanneld_complete "$prefix" "$word" -f ;;
            log_dir|state-dir|store|subnet-dir) compopt -o filenames 2> /dev/null; _flanneld_complete "$prefix" "$word" -d ;;
        esac
        return
    fi
    if [[ $word = -* ]]; then
        dash=-
        [[ $word != --* ]] || dash=--
        for name in $(_flanneld_options "$command"); do
            case $name in alsologtostderr|help|ip-blackhole-route|ip-masq|ip-masq-fully-random-disable|json|kube-subnet-mgr|problems|release-lease-on-exit|version|watch|watch-networks|yes) ;; *) name+== ;; esac
            [[ $dash$name != "$word"* ]] || COMPREPLY+=("$dash$name")
        done
        [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2> /dev/null
    elif [ "$COMP_CWORD" = 1 ]; then
        _flanneld_complete '' "$word" -W 'check status lease store release cleanup report help'
    elif [ "$COMP_CWORD" = 2 ]; then
        case $command in
            lease) _flanneld_complete '' "$word" -W 'list reserve release copy' ;;
            store) _flanneld_complete '' "$word" -W 'export import repair' ;;
            help) _flanneld_complete '' "$word" -W 'check status lease store release cleanup report help' ;;
        esac
    elif [ "$command ${COMP_WORDS[2]}" = 'store import' ]; then
        compopt -o filenames 2> /dev/null
        _flanneld_complete '' "$word" -f
    fi
}

complete -F _flanneld flanneld
