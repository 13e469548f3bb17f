"""`kcon completion`: the script that completes commands, verbs and options in a shell."""

from typing import ClassVar

import click

from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf

SHELLS = ("bash", "zsh", "fish")


class Completion(Request):
    """Print a completion script."""

    command: ClassVar[str] = "completion"
    shell: str


@leaf("completion", options=[])
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def completion(*, shared: Shared, shell: str) -> Request:
    """Print a script that completes commands, verbs and options.

    Example: source <(kcon completion bash)
    """
    return Completion(shared=shared, shell=shell)


COMMAND = completion
