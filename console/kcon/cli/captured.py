"""How does the console run a command line? As the CLI does, with the output caught instead of written."""

import io
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.contexts.context import Context


class Caught(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    """Standard output, safe for a terminal unless a format of machines was asked for."""
    err: str


def run_captured(
    argv: Sequence[str],
    context: Context,
    columns: int,
    stdin: bytes = b"",
    *,
    variables: Mapping[str, str] | None = None,
) -> Caught:
    """Run one command line on a context; return the exit code and what it wrote.

    Nobody can be asked, so a change needs --execute. It blocks and runs an event loop of its own: call it on a thread.
    """
    out, err = io.BytesIO(), io.BytesIO()
    environment = Environment(
        stdin=io.BytesIO(stdin),
        stdout=out,
        stderr=err,
        stdout_is_terminal=True,  # Tables, and everything made safe.
        variables=os.environ if variables is None else variables,
        columns=columns,
    )
    code = run(argv, environment, context=context)
    return Caught(code, out.getvalue().decode("utf-8", "replace"), err.getvalue().decode("utf-8", "replace"))
