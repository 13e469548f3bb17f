"""`kcon ui --plain`: the console as a conversation. One view after the other as text, for screen readers.

No boxes, no colours, no animation, no cursor movement: a line is typed, an answer is printed below it. The lines are
the console's addresses and the commands of the CLI, whose questions are asked and answered as on the command line.
"""

import shlex
from typing import Final
from urllib.parse import unquote

from kcon.cli.environment import Environment
from kcon.cli.invocation import Invocation
from kcon.contexts.context import Context
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode

LISTS: Final = {
    "overview": "cluster info",
    "topics": "topic list",
    "groups": "group list",
    "brokers": "broker list",
    "acls": "acl list",
    "quotas": "quota list",
    "users": "user list",
    "transactions": "txn list",
    "reassignments": "reassign status",
    "quorum": "cluster quorum",
    "contexts": "context list",
}
"""What shows a list of the console."""
THINGS: Final = {"topic": "topic describe", "group": "group lag", "broker": "broker describe"}
"""What shows one thing, as in `group/billing`."""
ENDS: Final = frozenset({"q", "quit", "exit"})
HELP: Final = (
    "Type a list, a thing or a command, and enter. q ends.\n"
    f"  lists: {', '.join(LISTS)}\n"
    "  things: topic/NAME, group/NAME, broker/ID, NAME/PARTITION/OFFSET\n"
    "  commands: any of the command line's, e.g. topic create NAME\n"
)
ENDLESS: Final = frozenset({"--watch", "tail"})


def words_of(line: str) -> list[str]:
    """Return the words of the command that answers a line. ValueError: a quote is open."""
    words = shlex.split(line)
    if words[:1] == ["kcon"]:
        words = words[1:]
    if len(words) != 1:
        return words
    word = words[0]
    if word in LISTS:
        return LISTS[word].split()
    kind, _slash, name = word.partition("/")
    if name and kind in THINGS:
        return [*THINGS[kind].split(), unquote(name)]
    if word.count("/") == 2:
        return ["get", word]
    return words


def run_plain(invocation: Invocation, context: Context, address: str | None) -> int:
    """Talk until the end of input or `q`."""
    environment = invocation.environment
    _write(environment, f"kcon on {display_safe(context.name)}, {context.mode.value}. ? is help, q ends.\n")
    line = address or "overview"
    while line not in ENDS:
        _answer(environment, context, line)
        _write(environment, f"{display_safe(context.name)}> ")
        typed = environment.stdin.readline()
        if not typed:
            break
        line = typed.decode("utf-8", "replace").strip()
    return ExitCode.OK


def _answer(environment: Environment, context: Context, line: str) -> None:
    if not line:
        return
    if line in {"?", "help"}:
        _write(environment, HELP)
        return
    from kcon.cli.run import run

    try:
        words = words_of(line)
    except ValueError:
        _write(environment, "A quote is open.\n")
        return
    if ENDLESS & set(words):
        _write(environment, "A command that goes on for ever has no place here: leave --watch out, use consume -e.\n")
        return
    code = run(words, environment, context=context)
    if code:
        _write(environment, f"exit {code}\n")


def _write(environment: Environment, text: str) -> None:
    environment.stdout.write(text.encode("utf-8", "backslashreplace"))
    environment.stdout.flush()
