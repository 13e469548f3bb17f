"""How does a command line become an exit code? Parse, dispatch, translate what went wrong: the CLI's border."""

import gc
import os
import sys
from collections.abc import Sequence

from kcon.cli.diagnostics import Diagnostics
from kcon.cli.environment import Environment
from kcon.cli.invocation import Invocation, OpenConsole
from kcon.cli.output import encode
from kcon.cli.pager import page
from kcon.commands.parse import HelpRequested, parse
from kcon.commands.request import OutputFormat, Request
from kcon.contexts.context import Context
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, KconError

LIVE_NOUNS = frozenset(
    {
        "topic",
        "group",
        "broker",
        "cluster",
        "acl",
        "quota",
        "user",
        "token",
        "txn",
        "reassign",
        "raw",
        "share",
        "streams",
        "consume",
        "copy",
        "get",
        "migrate",
        "redrive",
        "search",
        "produce",
        "load",
        "why",
        "metrics",
        "daemon",
        "top",
        "du",
        "probe",
        "wait",
        "check",
        "history",
        "incident",
    }
)
"""Commands that talk to a cluster, so they run on an event loop; the others never load one."""


_USUAL_THRESHOLDS = (700, 10, 10)
"""Python's own, which the program's start raises."""


def run(
    argv: Sequence[str],
    environment: Environment,
    open_console: OpenConsole | None = None,
    *,
    context: Context | None = None,
) -> int:
    """Execute one command line. Never raises for what a user or a cluster did.

    context: where to go unless the line names a cluster itself; None resolves it from the environment and the files.
    """
    diagnostics = Diagnostics(environment, _format_asked(argv))
    try:
        return int(_run(argv, environment, diagnostics, open_console, context))
    except KconError as error:
        diagnostics.error(error)
        return int(error.exit_code)
    except BrokenPipeError:
        _abandon_stdout(environment)
        return int(ExitCode.OK)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except OSError as error:
        diagnostics.error(KconError(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}."))
        return int(ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 - the border: whatever it is, the user gets a sentence.
        return _internal_error(error, environment, diagnostics)


def _run(
    argv: Sequence[str],
    environment: Environment,
    diagnostics: Diagnostics,
    open_console: OpenConsole | None,
    context: Context | None,
) -> int:
    try:
        request = parse(argv)
    except HelpRequested as asked:
        text = encode(asked.text)
        if "--no-pager" in argv or not page(environment, text):
            environment.stdout.write(text)
        environment.stdout.flush()
        return ExitCode.OK
    invocation = Invocation(environment, request, open_console, context)
    try:
        code = _dispatch(request, invocation)
        environment.stdout.flush()
        return code
    finally:
        diagnostics.context = invocation.diagnostics.context


def _dispatch(request: Request, invocation: Invocation) -> int:
    noun = request.command.split()[0]
    if request.command == "incident open":
        from kcon.cli.incident_open import run_incident_open

        return run_incident_open(request, invocation)
    if noun in LIVE_NOUNS:
        from kcon.cli.loop import run_on_loop

        return run_on_loop(request, invocation)
    gc.set_threshold(*_USUAL_THRESHOLDS)  # A broker or the console would stand still at each of the rare large ones.
    if noun == "context":
        from kcon.cli.context import run_context

        return run_context(request, invocation)
    if noun == "config":
        from kcon.cli.config import run_config

        return run_config(request, invocation)
    if noun == "audit":
        from kcon.cli.audit import run_audit

        return run_audit(request, invocation)
    if noun == "completion":
        from kcon.cli.completion import run_completion

        return run_completion(request, invocation)
    if noun == "alerts":
        from kcon.cli.alerts import run_alerts

        return run_alerts(request, invocation)
    if noun == "errcode":
        from kcon.cli.errcode import run_errcode

        return run_errcode(request, invocation)
    if noun == "doctor":
        from kcon.cli.doctor import run_doctor

        return run_doctor(request, invocation)
    if noun == "serve-broker":
        from kcon.cli.serve_broker import run_serve_broker

        return run_serve_broker(request, invocation)
    if noun == "demo":
        from kcon.cli.demo import run_demo

        return run_demo(request, invocation)
    from kcon.cli.ui import run_ui

    return run_ui(request, invocation)


def _format_asked(argv: Sequence[str]) -> OutputFormat | None:
    """Guess the output format before the words are parsed, so that a usage error is JSON where it was asked for."""
    letters = ("--output",) if {"consume", "tail", "search", "get"} & set(argv) else ("--output", "-o")
    for index, word in enumerate(argv):
        following = argv[index + 1] if index + 1 < len(argv) else ""
        for option in letters:
            value = following if word == option else word.removeprefix(f"{option}=") if "=" in word else ""
            if value in {"json", "ndjson"}:
                return OutputFormat.JSON
    return OutputFormat.NDJSON if "-J" in argv else None


def _abandon_stdout(environment: Environment) -> None:
    """Point standard output at the null device, or the interpreter's last flush would fail again."""
    if environment.owns_process:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _internal_error(error: Exception, environment: Environment, diagnostics: Diagnostics) -> int:
    import traceback

    name = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if environment.variables.get("KCON_TRACEBACK"):
        for line in "".join(traceback.format_exception(error)).splitlines():
            diagnostics.plain_line(line)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    diagnostics.error(
        KconError(
            f"Something is broken inside kcon: {display_safe(name)} "
            f"({os.path.basename(frame.filename)}:{frame.lineno}).",
            "Run it again with KCON_TRACEBACK=1 in the environment to see where.",
        )
    )
    return int(ExitCode.FAILED)
