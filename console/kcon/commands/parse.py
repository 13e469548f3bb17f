"""What does this command line ask for? `parse(argv)` is the one door for the CLI and for the TUI's `:` line."""

from collections.abc import Sequence

import click

from kcon.commands.request import Request
from kcon.commands.tree import HelpRequested, root_command
from kcon.errors import UsageError

__all__ = ["HelpRequested", "parse"]


def parse(argv: Sequence[str]) -> Request:
    """Return the request of `argv` (without the program's name).

    UsageError (exit 2) with a hint when the words are off; HelpRequested when help was asked for. No I/O.
    """
    try:
        request = root_command().main(list(argv), prog_name="kcon", standalone_mode=False)
    except click.ClickException as error:
        raise UsageError(_message(error), _hint(error)) from error
    except click.Abort as error:
        raise UsageError("The command was interrupted while it was read.") from error
    assert isinstance(request, Request), "every command returns a request"
    return request


def _message(error: click.ClickException) -> str:
    text = error.format_message().strip().replace("\n", " ")
    return text if text.endswith((".", "?")) else f"{text}."


def _hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    own_hint = getattr(error, "kcon_hint", "")
    if own_hint:
        return str(own_hint)
    path = context.command_path if context is not None else "kcon"
    return f"`{path} --help` shows what it takes."
