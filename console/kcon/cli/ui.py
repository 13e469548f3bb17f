"""`kcon ui` and `kcon` alone: opens the console, or says why it cannot."""

from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.commands.table import root_help
from kcon.commands.ui import Ui
from kcon.contexts.context import Context
from kcon.contexts.resolve import NoClusterNamed
from kcon.errors import ExitCode, UsageError


def run_ui(request: Request, invocation: Invocation) -> int:
    """Open the console on a terminal. `kcon` alone elsewhere shows the help and exits 2."""
    assert isinstance(request, Ui)
    environment = invocation.environment
    if request.plain:
        from kcon.cli.plain import run_plain

        return run_plain(invocation, invocation.context, request.address)
    if not (environment.stdin_is_terminal and environment.stdout_is_terminal):
        if request.bare:
            environment.stderr.write(root_help().encode())
            environment.stderr.flush()
            return ExitCode.USAGE
        raise UsageError("The console needs a terminal.", "The commands work without one: `kcon --help` lists them.")
    if environment.is_dumb:
        raise UsageError("The console needs a terminal that can move its cursor; TERM is dumb.", "Try kcon ui --plain.")
    if not environment.stderr_is_terminal:
        raise UsageError("The console draws on standard error, which is not a terminal.", "Do not redirect it.")
    assert invocation.open_console is not None, "the program's main module hands it in"
    return invocation.open_console(_context(request, invocation), request.address)


def _context(request: Ui, invocation: Invocation) -> Context | None:
    """Return the cluster to show; None lets a newcomer, who typed `kcon` alone, choose one there."""
    try:
        return invocation.context
    except NoClusterNamed:
        if not request.bare:
            raise
        return None
