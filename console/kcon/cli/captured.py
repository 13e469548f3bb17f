"""How does the console run a command line? As the CLI does, with the output caught instead of written."""

import io
import os
from collections.abc import Mapping, Sequence

from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.contexts.context import Context


def run_captured(
    argv: Sequence[str], context: Context, columns: int, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run one command line on a context; return the exit code and what it wrote, safe for a terminal.

    Nobody can be asked, so a change needs --execute. It blocks and runs an event loop of its own: call it on a thread.
    """
    out = io.BytesIO()
    environment = Environment(
        stdin=io.BytesIO(),
        stdout=out,
        stderr=out,
        stdout_is_terminal=True,  # Tables, and everything made safe.
        variables=os.environ if variables is None else variables,
        columns=columns,
    )
    code = run(argv, environment, context=context)
    return code, out.getvalue().decode("utf-8", "replace")
