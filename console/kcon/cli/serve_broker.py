"""`kcon serve-broker`: hands over to the broker, which owns the process from here on."""

from pathlib import Path
from typing import Final

from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.commands.serve_broker import ServeBroker
from kcon.contexts.folders import state_folder
from kcon.errors import ExitCode

DATA_FOLDER: Final = "broker"


def run_serve_broker(request: Request, invocation: Invocation) -> int:
    """Run the broker; 0 after a clean stop, 1 when it cannot run."""
    assert isinstance(request, ServeBroker)
    from kcon.services.local_broker import serve_in_foreground

    variables = invocation.environment.variables
    data_dir = Path(request.data_dir) if request.data_dir is not None else state_folder(variables) / DATA_FOLDER
    try:
        return serve_in_foreground(["--data-dir", str(data_dir), *request.arguments])
    except SystemExit as stopped:  # The broker's own option parser said what was wrong.
        return stopped.code if isinstance(stopped.code, int) else ExitCode.FAILED
