"""How does a command run on an event loop? The one `asyncio.run`, ctrl-C and SIGTERM, and --watch."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from importlib import import_module

from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.errors import ExitCode

Runner = Callable[[Request, Invocation], Awaitable[int]]


def run_on_loop(request: Request, invocation: Invocation, runner: Runner | None = None) -> int:
    """Run the command to its end and return the exit code. runner: None finds it by the request."""
    chosen = runner or runner_of(request)
    if "," in (request.shared.connection.context or ""):
        from kcon.cli.several import run_several

        return asyncio.run(_main(request, invocation, lambda asked, here: run_several(asked, here, chosen)))
    invocation.ask_for_secrets()
    return asyncio.run(_main(request, invocation, chosen))


async def _main(request: Request, invocation: Invocation, runner: Runner) -> int:
    task = asyncio.current_task()
    assert task is not None, "asyncio.run makes a task"
    received: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        received.append(number)
        loop.remove_signal_handler(number)  # A second one ends the process at once.
        task.cancel()

    if invocation.environment.owns_process:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, stop, number)
            except NotImplementedError:  # Windows: asyncio.run turns ctrl-C into KeyboardInterrupt by itself.
                break
    try:
        if request.shared.output.watch:
            return await _watch(runner, request, invocation)
        return await runner(request, invocation)
    except asyncio.CancelledError:
        if not received:
            raise
        if received[0] == signal.SIGTERM:
            return ExitCode.TERMINATED
        return ExitCode.OK if invocation.follows else ExitCode.INTERRUPTED


async def _watch(runner: Runner, request: Request, invocation: Invocation) -> int:
    """Repeat the command. On a terminal each answer takes the place of the one before."""
    invocation.follows = True
    while True:
        if invocation.writer.is_terminal:
            invocation.writer.clear_screen()
        await runner(request, invocation)
        await asyncio.sleep(request.shared.output.interval_ms / 1000)


def runner_of(request: Request) -> Runner:
    """Load what executes the request: `run_NOUN` of the module of that name."""
    noun = request.command.split()[0]
    if request.shared.at is not None:
        noun = "past"
    runner: Runner = getattr(import_module(f"kcon.cli.{noun}"), f"run_{noun}")
    return runner
