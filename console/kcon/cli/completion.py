"""`kcon completion`: writes a completion script, made of the commands themselves.

The script carries every word, so that completing starts no process.
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
    words = dict(_words(root_command(), ""))
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[request.shell](words)
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


def _cases(words: Words) -> str:
    return "\n".join(f'    "{path}") words="{" ".join(found)}" ;;' for path, found in sorted(words.items()))


def _bash(words: Words) -> str:
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
_kcon() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path="" next word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) continue ;; esac
    next="${{path:+$path }}$word"
    if _kcon_words "$next" >/dev/null; then path="$next"; fi
  done
  COMPREPLY=($(compgen -W "$(_kcon_words "$path")" -- "$current"))
}}
complete -o default -F _kcon kcon
"""


def _zsh(words: Words) -> str:
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
_kcon() {{
  local given="" next word
  for word in "${{words[@]:1:CURRENT-2}}"; do
    case "$word" in -*) continue ;; esac
    next="${{given:+$given }}$word"
    if _kcon_words "$next" >/dev/null; then given="$next"; fi
  done
  compadd -- ${{(s: :)"$(_kcon_words "$given")"}} || _files
}}
compdef _kcon kcon
"""


def _fish(words: Words) -> str:
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
        lines += [f"complete -c kcon -n '{condition}' -l {word[2:]}" for word in found if word.startswith("--")]
    return "\n".join(lines) + "\n"
