"""`kcon demo`: runs the demo alone and reports, or beside the console."""

import asyncio
import queue
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from kcon.cli.document import Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.loop import run_on_loop
from kcon.commands.demo import Demo
from kcon.commands.request import OutputFormat, Request
from kcon.contexts.context import Context
from kcon.errors import ExitCode, KconError, UsageError
from kcon.services.demo import Demo as RunningDemo
from kcon.services.demo import DemoOptions, open_demo, run_headless
from kcon.services.demo_report import DemoReport

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0


def run_demo(request: Request, invocation: Invocation) -> int:
    """Run the demo to its end; with a screen, until the console is left."""
    assert isinstance(request, Demo)
    if request.headless:
        return run_on_loop(request, invocation, _headless)
    environment = invocation.environment
    if not (environment.stdin_is_terminal and environment.stdout_is_terminal):
        raise UsageError("The console needs a terminal.", "`kcon demo --headless` runs without one.")
    return _beside_the_console(request, invocation)


def _options(request: Demo) -> DemoOptions:
    data_dir = Path(request.data_dir) if request.data_dir is not None else None
    return DemoOptions(data_dir=data_dir, port=request.port, keep=request.keep, speed=request.speed)


async def _headless(request: Request, invocation: Invocation) -> int:
    assert isinstance(request, Demo)
    assert request.seconds is not None, "parsing gives headless runs a length"

    def say(demo: RunningDemo) -> None:
        if invocation.environment.stderr_is_terminal:
            records = sum(part.records for part in demo.feed.ledger.partitions.values())
            invocation.diagnostics.progress(f"{records:,} records written to {demo.context.bootstrap[0]}")

    report = await run_headless(_options(request), request.seconds, say)
    invocation.diagnostics.end_progress()
    _show(report, invocation)
    return ExitCode.OK if report.ok else ExitCode.FAILED


def _show(report: DemoReport, invocation: Invocation) -> None:
    if invocation.writer.output.format in {OutputFormat.JSON, OutputFormat.NDJSON, OutputFormat.YAML}:
        # The report is plain JSON by its contract; what its values are in detail is its own business.
        item = cast("Item", report.document())
        document = Document(kind="DemoReport", columns=(), items=[item], context="demo")
        invocation.writer.document(document)
        return
    invocation.writer.text("".join(f"{line}\n" for line in report.lines()))
    invocation.writer.flush()


def _beside_the_console(request: Demo, invocation: Invocation) -> int:
    """Run the demo on a loop of its own thread; the console owns the main thread, the terminal and ctrl-C."""
    assert invocation.open_console is not None, "the program's main module hands it in"
    background = BackgroundDemo(_options(request))
    invocation.diagnostics.progress("Starting a broker with real data ...")
    try:
        context = background.start()
    finally:
        invocation.diagnostics.end_progress()
    try:
        return invocation.open_console(context, None)
    finally:
        background.stop()


class BackgroundDemo:
    """A demo on its own thread and event loop."""

    def __init__(self, options: DemoOptions | None = None) -> None:
        self._options = options or DemoOptions()
        self._started: queue.Queue[Context | BaseException] = queue.Queue(maxsize=1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="kcon-demo", daemon=True)

    def start(self) -> Context:
        """Return the demo's context once its broker serves. Raises what went wrong instead."""
        self._thread.start()
        try:
            answer = self._started.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            raise KconError(f"The demo did not start within {START_TIMEOUT_S:g} s.") from None
        except KeyboardInterrupt:
            self.stop()
            raise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        """Stop the groups, the feed and the broker, and wait for that."""
        if self._loop is not None and self._stopping is not None:
            with suppress(RuntimeError):  # The loop ended by itself.
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - it belongs to the main thread, which raises it.
            with suppress(queue.Full):
                self._started.put_nowait(error)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with open_demo(self._options) as demo:
            self._started.put_nowait(demo.context)
            await self._stopping.wait()
