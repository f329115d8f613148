package flannel.cli;

import flannel.cli.Option.Kind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Makes the shells' completions, {@code etc/flanneld.bash} and {@code etc/_flanneld}, of the tables of commands and options. */
final class Completions {

    /** Options with few values. A flag's are true and false. */
    static final Map<String, List<String>> CHOICES = Map.of("etcd-api", List.of("auto", "v2", "v3"), "from", List.of("v2", "v3"), "to", List.of("v2", "v3"),
            "vxlan-checksum-offload", List.of("auto", "on", "off"), "stderrthreshold", List.of("INFO", "WARNING", "ERROR", "FATAL"));

    /** Options that name an interface. */
    static final List<String> INTERFACES = List.of("iface");

    private Completions() {
    }

    /** Command, and the daemon, whose name is empty. */
    private static List<String> commands() {
        return Stream.concat(Stream.of(Commands.DAEMON), Commands.TABLE.stream().map(Commands.Entry::name)).toList();
    }

    private static String names(Predicate<Option> which) {
        return Options.TABLE.stream().filter(which).map(Option::name).collect(Collectors.joining(" "));
    }

    /** What is behind an equals sign, or is the next word; a flag that is on when left out has a value. */
    private static boolean isSwitch(Option option) {
        return option.kind() == Kind.FLAG && option.defaultValue().equals("false");
    }

    private static String cases(Predicate<Option> which) {
        return names(which).replace(' ', '|');
    }

    static String bash() {
        StringBuilder text = new StringBuilder("""
                # bash completion for flanneld(8), made of its tables of commands and options (test/flannel/cli/Completions.java)

                # The options of a command, or of the daemon.
                _flanneld_options() {
                    case $1 in
                """);
        Map<String, List<String>> byOptions = commands().stream().collect(Collectors.groupingBy(command -> names(option -> Commands.has(command, option)),
                LinkedHashMap::new, Collectors.toList()));
        byOptions.forEach((names, commands) -> text.append("        ").append(String.join("|", commands).replaceFirst("^(?=\\||$)", "''")).append(") echo ")
                .append(names).append(" ;;\n"));
        text.append("""
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
                    case " @COMMANDS@ " in
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
                        case $name in @FLAGS@) option='' ;; esac     # a flag never takes the next word
                    fi
                    if [[ $option = -* ]]; then
                        name=${option#-} name=${name#-}
                        case $name in
                @VALUES@
                            @FLAGS@) _flanneld_complete "$prefix" "$word" -W 'true false' ;;
                            @INTERFACES@) _flanneld_complete "$prefix" "$word" -W "$(cd /sys/class/net 2> /dev/null && echo *)" ;;
                            @FILES@) compopt -o filenames 2> /dev/null; _flanneld_complete "$prefix" "$word" -f ;;
                            @FOLDERS@) compopt -o filenames 2> /dev/null; _flanneld_complete "$prefix" "$word" -d ;;
                        esac
                        return
                    fi
                    if [[ $word = -* ]]; then
                        dash=-
                        [[ $word != --* ]] || dash=--
                        for name in $(_flanneld_options "$command"); do
                            case $name in @SWITCHES@) ;; *) name+== ;; esac
                            [[ $dash$name != "$word"* ]] || COMPREPLY+=("$dash$name")
                        done
                        [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2> /dev/null
                    elif [ "$COMP_CWORD" = 1 ]; then
                        _flanneld_complete '' "$word" -W '@COMMANDS@'
                    elif [ "$COMP_CWORD" = 2 ]; then
                        case $command in
                @VERBS@
                            help) _flanneld_complete '' "$word" -W '@COMMANDS@' ;;
                        esac
                    elif [ "$command ${COMP_WORDS[2]}" = 'store import' ]; then
                        compopt -o filenames 2> /dev/null
                        _flanneld_complete '' "$word" -f
                    fi
                }

                complete -F _flanneld flanneld
                """
                .replace("@COMMANDS@", String.join(" ", commands()).strip())
                .replace("@FLAGS@", cases(option -> option.kind() == Kind.FLAG))
                .replace("@SWITCHES@", cases(Completions::isSwitch))
                .replace("@FILES@", cases(option -> option.kind() == Kind.FILE))
                .replace("@FOLDERS@", cases(option -> option.kind() == Kind.FOLDER))
                .replace("@INTERFACES@", String.join("|", INTERFACES))
                .replace("@VALUES@", lines(Options.TABLE.stream().filter(option -> CHOICES.containsKey(option.name())).map(option -> "            "
                        + option.name() + ") _flanneld_complete \"$prefix\" \"$word\" -W '" + String.join(" ", CHOICES.get(option.name())) + "' ;;")))
                .replace("@VERBS@", lines(Commands.TABLE.stream().filter(command -> !command.verbs().isEmpty()).map(command -> "            "
                        + command.name() + ") _flanneld_complete '' \"$word\" -W '" + String.join(" ", command.verbs()) + "' ;;"))));
        return text.toString();
    }

    private static String lines(Stream<String> lines) {
        return lines.collect(Collectors.joining("\n"));
    }

    static String zsh() {
        StringBuilder text = new StringBuilder("""
                #compdef flanneld
                # zsh completion for flanneld(8), made of its tables of commands and options (test/flannel/cli/Completions.java)

                # Of each option, what zsh's _arguments is to know behind its name.
                local -A spec
                spec=(
                """);
        Options.TABLE.forEach(option -> text.append("    ").append(option.name()).append(" '").append(spec(option)).append("'\n"));
        text.append(")\nlocal -A options\noptions=(\n");
        for (String command : commands()) {
            text.append("    ").append(command.isEmpty() ? "daemon" : command).append(" '").append(names(option -> Commands.has(command, option))).append("'\n");
        }
        text.append(")\nlocal -a commands\ncommands=(\n");
        Commands.TABLE.forEach(command -> text.append("    '").append(command.name()).append(':').append(quoted(command.help())).append("'\n"));
        text.append("""
                )
                local command=daemon name shown=- hidden=--
                local -a arguments
                if (( CURRENT > 2 )) && [[ -n $options[$words[2]] ]]; then
                    command=$words[2]
                    shift words
                    (( CURRENT-- ))
                fi
                [[ $words[CURRENT] != --* ]] || shown=-- hidden=-
                for name in ${(s: :)options[$command]}; do
                    arguments+=("*$shown$name$spec[$name]" "!*$hidden$name$spec[$name]")
                done
                case $command in
                    daemon) arguments+=('1:command:{ _describe -t commands command commands }') ;;
                    help) arguments+=('1:command:{ _describe -t commands command commands }') ;;
                @VERBS@
                esac
                _arguments $arguments
                """.replace("@VERBS@", lines(Commands.TABLE.stream().filter(command -> !command.verbs().isEmpty()).map(command -> "    " + command.name()
                        + ") arguments+=('1:what:(" + String.join(" ", command.verbs()) + ")'"
                        + (command.name().equals(Commands.STORE) ? " '2:file:_files'" : "") + ") ;;"))));
        return text.toString();
    }

    private static String spec(Option option) {
        String help = "[" + quoted(option.help()).replace("[", "\\[").replace("]", "\\]") + "]";
        return isSwitch(option) ? help : (option.kind() == Kind.FLAG ? "=-" : "=") + help + ":" + (option.kind() == Kind.FLAG ? "flag:(true false)"
                : INTERFACES.contains(option.name()) ? "interface:_net_interfaces"
                : option.kind() == Kind.FILE ? "file:_files" : option.kind() == Kind.FOLDER ? "directory:_files -/"
                : CHOICES.containsKey(option.name()) ? "value:(" + String.join(" ", CHOICES.get(option.name())) + ")" : "value: ");
    }

    private static String quoted(String text) {
        return text.replace("\\", "\\\\").replace(":", "\\:").replace("'", "'\\''");
    }
}
