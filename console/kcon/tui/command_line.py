"""What happens with a line typed at the `:`? It is a command of the CLI: shown as a view where there is one, else run.

A name of a list or an address (`topics`, `group/billing`) goes there. An empty line lists every action.
"""

import asyncio
import shlex
from typing import TYPE_CHECKING

from kcon.commands.consume import Consume
from kcon.commands.parse import HelpRequested, parse
from kcon.commands.request import Connection, Request
from kcon.commands.search import Search
from kcon.commands.ui import Ui
from kcon.core.ids import topic_name
from kcon.core.offset_spec import parse_offset_spec
from kcon.errors import KconError, UsageError
from kcon.tui.address import Overview, Records, parse_address
from kcon.tui.screens.base import KconScreen

if TYPE_CHECKING:
    from kcon.tui.app import KconApp

ELSEWHERE = frozenset({"demo", "serve-broker"})
QUIT = frozenset({"q", "quit", "exit", "q!"})


def quoted(raw: str) -> str:
    """Return a name as a word of a shell's command line."""
    return shlex.quote(raw)


def execute(app: "KconApp", text: str) -> None:
    """Do what the line says; errors are said in the view in front."""
    view = app.screen
    if not isinstance(view, KconScreen):
        return
    try:
        _execute(app, view, text)
    except KconError as error:
        view.complain(error)


def _execute(app: "KconApp", view: KconScreen, text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"A quote is open: {error}.") from error
    if words[:1] == ["kcon"]:
        words = words[1:]
    if not words:
        from kcon.tui.screens.palette import PaletteScreen

        app.push_screen(PaletteScreen(view))
        return
    if len(words) == 1 and (words[0] in QUIT or _goes(app, words[0])):
        if words[0] in QUIT:
            app.exit(0)
        return
    try:
        request = parse(words)
    except HelpRequested as asked:
        _show(app, text, 0, asked.text)
        return
    if isinstance(request, Ui):
        if not _goes(app, request.address or "overview"):
            raise UsageError(f"There is no view {request.address}.", "Give overview, topics, groups or an address.")
    elif isinstance(request, Consume) and (address := _as_view(app, request)) is not None:
        app.open(address)
    elif isinstance(request, Search) and request.where and not (request.estimate_only or request.resume):
        topics = [topic_name(name) for name in request.topics]
        partitions = None if request.partitions is None else frozenset(request.partitions)
        app.search(topics, request.where, request.offset or "", partitions)
    elif plan_of(app, request, words):
        return
    else:
        _run(app, view, words, request, text)


def plan_of(app: "KconApp", request: Request, words: list[str]) -> bool:
    """Show the plan of a command that changes something. False: it has none to show first."""
    from kcon.tui.screens.change import ChangeScreen, is_change

    if app.is_in_past and is_change(request):
        raise UsageError("The past is shown, and cannot be changed.", "Esc goes back to now.")
    if app.launch.run_command is None or request.shared.connection != Connection() or not is_change(request):
        return False
    app.push_screen(ChangeScreen(words))
    return True


def _goes(app: "KconApp", word: str) -> bool:
    try:
        address = parse_address(word)
    except UsageError:
        return False
    app.open(address, from_top=isinstance(address, Overview))
    return True


def _as_view(app: "KconApp", request: Consume) -> Records | None:
    """Return the view of a consume command that only looks; None when it has to run as a command."""
    partitions = request.partitions
    is_simple = len(request.topics) == 1 or partitions is None
    is_simple = is_simple and (partitions is None or len(partitions) == 1)
    if not is_simple or request.stop_at_end or request.group is not None or request.count is not None:
        return None
    if request.offset is not None:
        try:
            parse_offset_spec(request.offset, now_ms=app.now_ms(), tz=app.times.tz)
        except UsageError:
            return None
    start = request.offset if request.offset not in {None, "end"} else ""
    first, *others = map(topic_name, request.topics)
    return Records(first, partitions[0] if partitions else None, start or "", tuple(others))


def _run(app: "KconApp", view: KconScreen, words: list[str], request: Request, text: str) -> None:
    runner = app.launch.run_command
    if runner is None or request.command.split()[0] in ELSEWHERE:
        raise UsageError(f"`kcon {request.command}` wants a terminal of its own.", "Run it beside the console.")
    if request.shared.output.watch or (isinstance(request, Consume) and not request.stop_at_end):
        raise UsageError("A command that goes on for ever has no place here.", "Add -e, or leave --watch out.")
    if request.shared.connection != Connection():
        raise UsageError("Commands here work on the cluster that is shown.", "Leave -b, -C and -X out; c changes it.")
    view.say(f"Running {text} ...")
    columns = max(20, app.size.width)

    async def work() -> None:
        entry = app.request_log.began(request.command, f"kcon {text.removeprefix('kcon ')}", app.now_ms())
        answer = await asyncio.to_thread(runner, words, app.context, columns)
        app.request_log.ended(entry, app.now_ms(), "" if answer.code == 0 else f"exit {answer.code}")
        _show(app, text, answer.code, answer.out + answer.err)
        if app.engine is not None:
            app.engine.refresh()

    app.run_worker(work(), name=f"command {request.command}", exclusive=False)


def _show(app: "KconApp", text: str, code: int, output: str) -> None:
    from kcon.tui.screens.output import OutputScreen

    if isinstance(app.screen, KconScreen):
        app.screen.say("")
    app.push_screen(OutputScreen(text, code, output))
