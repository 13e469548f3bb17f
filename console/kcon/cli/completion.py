"""`kcon completion`: writes a completion script, made of the commands themselves.

The script carries every command, verb and option, so that completing these starts no process. Where a topic, a group
or a context is expected it asks `kcon __names`, which answers from a cache.
"""

from collections.abc import Iterator

import click

from kcon.cli.invocation import Invocation
from kcon.commands.completion import Completion
from kcon.commands.request import Request
from kcon.commands.tree import root_command
from kcon.errors import ExitCode


def run_completion(request: Request, invocation: Invocation) -> int:
    """Write the script for one shell."""
    assert isinstance(request, Completion)
    root = root_command()
    words, kinds = dict(_words(root, "")), dict(_kinds(root, ""))
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[request.shell](words, kinds)
    invocation.writer.text(script)
    invocation.writer.flush()
    return ExitCode.OK


Words = dict[str, list[str]]
"""By the path of a command (`""`, `topic`, `topic list`): the verbs and options that may follow."""


def _words(command: click.Command, path: str) -> Iterator[tuple[str, list[str]]]:
    context = click.Context(command, info_name=path)
    options = [name for param in command.get_params(context) for name in param.opts if name.startswith("--")]
    verbs: list[str] = []
    if isinstance(command, click.Group):
        verbs = list(command.list_commands(context))
        for verb in verbs:
            found = command.get_command(context, verb)
            assert found is not None, "a listed command exists"
            yield from _words(found, f"{path} {verb}".strip())
    yield path, [*verbs, *sorted(options)]


Kinds = dict[str, str]
"""By the path of a command: what its words name, `topic`, `group` or `context`."""

_OF_OPTION = {
    "-t": "topic",
    "--topic": "topic",
    "-g": "group",
    "--group": "group",
    "-C": "context",
    "--context": "context",
}
_OF_METAVAR = {"TOPIC": "topic", "GROUP": "group", "DLQ": "topic", "SOURCE": "topic"}


def _kinds(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for verb in command.list_commands(context):
            found = command.get_command(context, verb)
            assert found is not None, "a listed command exists"
            yield from _kinds(found, f"{path} {verb}".strip())
        return
    noun = path.split(maxsplit=1)[0]
    for param in command.params:
        if isinstance(param, click.Argument):
            word = (param.metavar or param.name or "").strip("[].").upper().split("[")[0].rstrip(".]")
            kind = _OF_METAVAR.get(word, noun if noun in {"topic", "group", "context"} and word in _NAMES else "")
            if kind and path not in _NEW:
                yield path, kind
            return


_NAMES = {"NAME", "PATTERN", "NAMES"}
_NEW = {"topic create", "context add"}
"""Their words name what is not there yet."""


def _cases(words: Words) -> str:
    return "\n".join(f'    "{path}") words="{" ".join(found)}" ;;' for path, found in sorted(words.items()))


def _kind_cases(kinds: Kinds, form: str) -> str:
    return "\n".join(f'    "{path}") {form.format(kind)} ;;' for path, kind in sorted(kinds.items()))


def _option_cases(form: str) -> str:
    by_kind: dict[str, list[str]] = {}
    for option, kind in _OF_OPTION.items():
        by_kind.setdefault(kind, []).append(option)
    return "\n".join(f"    {'|'.join(options)}) {form.format(kind)} ;;" for kind, options in by_kind.items())


def _bash(words: Words, kinds: Kinds) -> str:
    return f"""\
# kcon completion for bash: source <(kcon completion bash)
_kcon_words() {{
  local words=""
  case "$1" in
{_cases(words)}
    *) return 1 ;;
  esac
  printf '%s' "$words"
}}
_kcon_kind() {{
  case "$2" in
{_option_cases("printf {}; return")}
  esac
  case "$1" in
{_kind_cases(kinds, "printf {}")}
  esac
}}
_kcon() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" path="" next word kind
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) continue ;; esac
    next="${{path:+$path }}$word"
    if _kcon_words "$next" >/dev/null; then path="$next"; fi
  done
  kind="$(_kcon_kind "$path" "$before")"
  if [[ -n "$kind" && "$current" != -* ]]; then
    # Never through compgen -W, which would expand what a name holds.
    mapfile -t COMPREPLY < <("${{COMP_WORDS[0]}}" __names "$kind" "$current" "${{COMP_WORDS[@]:1}}" 2>/dev/null)
    return
  fi
  COMPREPLY=($(compgen -W "$(_kcon_words "$path")" -- "$current"))
}}
complete -o default -F _kcon kcon
"""


def _zsh(words: Words, kinds: Kinds) -> str:
    return f"""\
#compdef kcon
# kcon completion for zsh: source <(kcon completion zsh)
_kcon_words() {{
  local words=""
  case "$1" in
{_cases(words)}
    *) return 1 ;;
  esac
  print -rn -- "$words"
}}
_kcon_kind() {{
  case "$2" in
{_option_cases("print -rn -- {}; return")}
  esac
  case "$1" in
{_kind_cases(kinds, "print -rn -- {}")}
  esac
}}
_kcon() {{
  local given="" next word kind
  for word in "${{words[@]:1:CURRENT-2}}"; do
    case "$word" in -*) continue ;; esac
    next="${{given:+$given }}$word"
    if _kcon_words "$next" >/dev/null; then given="$next"; fi
  done
  kind="$(_kcon_kind "$given" "${{words[CURRENT-1]}}")"
  if [[ -n "$kind" && "${{words[CURRENT]}}" != -* ]]; then
    compadd -- "${{(@f)$("${{words[1]}}" __names "$kind" "" "${{words[@]:1}}" 2>/dev/null)}}"
    return
  fi
  compadd -- ${{(s: :)"$(_kcon_words "$given")"}} || _files
}}
compdef _kcon kcon
"""


def _fish(words: Words, kinds: Kinds) -> str:
    lines = ["# kcon completion for fish: kcon completion fish | source", "complete -c kcon -f"]
    for path, found in sorted(words.items()):
        parts = path.split()
        tests = [f"__fish_seen_subcommand_from {part}" for part in parts] or ["__fish_use_subcommand"]
        deeper = [word for word in found if f"{path} {word}".strip() in words]
        if parts and deeper:
            tests.append(f"not __fish_seen_subcommand_from {' '.join(deeper)}")
        condition = "; and ".join(tests)
        verbs = " ".join(word for word in found if not word.startswith("-"))
        if verbs:
            lines.append(f"complete -c kcon -n '{condition}' -a '{verbs}'")
        for word in found:
            if word.startswith("--"):
                kind = _OF_OPTION.get(word)
                value = f" -x -a '({_fish_names(kind)})'" if kind else ""
                lines.append(f"complete -c kcon -n '{condition}' -l {word[2:]}{value}")
        if path in kinds:
            lines.append(f"complete -c kcon -n '{condition}' -a '({_fish_names(kinds[path])})'")
    return "\n".join(lines) + "\n"


def _fish_names(kind: str) -> str:
    return f"kcon __names {kind} (commandline -ct) (commandline -opc)[2..] 2>/dev/null"
