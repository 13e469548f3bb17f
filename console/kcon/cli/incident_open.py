"""`kcon incident open`: hands an exported incident to the console."""

from pathlib import Path

from kcon.cli.invocation import Invocation
from kcon.commands.incident import IncidentOpen
from kcon.commands.request import Request
from kcon.contexts.context import Context, Mode
from kcon.contexts.zones import local_zone, parse_zone
from kcon.errors import NotFoundError, UsageError


def run_incident_open(request: Request, invocation: Invocation) -> int:
    """Open the console on a file."""
    assert isinstance(request, IncidentOpen)
    environment = invocation.environment
    path = Path(request.path)
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", "`kcon incident export NAME FILE` writes one.")
    if not (environment.stdin_is_terminal and environment.stdout_is_terminal):
        raise UsageError("The console needs a terminal.", "`kcon incident export NAME` prints a timeline.")
    if environment.is_dumb:
        raise UsageError("The console needs a terminal that can move its cursor; TERM is dumb.")
    assert invocation.open_console is not None, "the program's main module hands it in"
    named = request.shared.connection.tz
    tz, tz_name = (parse_zone(named), named) if named else local_zone(environment.variables)
    context = Context(
        name="incident", bootstrap=("",), mode=Mode.READ_ONLY, tz=tz, tz_name=tz_name, recording=path.absolute()
    )
    return invocation.open_console(context, None)
