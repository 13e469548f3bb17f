"""`python -m kcon` and the `kcon` command: puts the CLI and the TUI together."""

import gc
import sys

import kcon
from kcon.commands.table import root_help

TYPE_CHECKING = False  # As type checkers know it; the module of that name would cost a fifth of the start.
if TYPE_CHECKING:
    from kcon.contexts.context import Context


_NEW_OBJECTS_PER_COLLECTION = 100_000


def main() -> int:
    """Run the command line of this process and return its exit code."""
    argv = sys.argv[1:]
    if argv in (["--help"], ["-h"]) and not sys.stdout.isatty():  # Answered before anything else is loaded.
        sys.stdout.write(root_help())
        return 0
    if argv in (["--version"], ["version"]):
        sys.stdout.write(f"kcon {kcon.__version__}\n")
        return 0
    if argv[:1] == ["__names"]:  # What the completion scripts ask, while somebody waits for a key press.
        import os

        from kcon.cli.name_cache import run_names

        return run_names(argv[1:], os.environ)
    # Modules and answers stay until the end: looking through them for garbage took a quarter of a large command's time.
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION)
    from kcon.cli.environment import process_environment
    from kcon.cli.run import run

    return run(argv, process_environment(), _open_console)


def _open_console(context: "Context | None", address: str | None) -> int:
    import os
    from contextlib import ExitStack

    from kcon.tui.first_frame import FirstFrame

    with ExitStack() as until_left:
        first_frame = None
        if sys.__stderr__ is not None and sys.__stderr__.isatty():  # Where Textual draws.
            terminal = sys.__stderr__.fileno()
            first_frame = FirstFrame(terminal, os.environ, os.get_terminal_size(terminal).columns)
            until_left.callback(first_frame.remove)
            first_frame.show(context, address)

        from kcon.cli.captured import run_captured
        from kcon.tui.run import run_tui

        def start_demo() -> "Context":
            from kcon.cli.demo import BackgroundDemo

            demo = BackgroundDemo()
            until_left.callback(demo.stop)
            return demo.start()

        return run_tui(context, address, run_command=run_captured, start_demo=start_demo, first_frame=first_frame)


if __name__ == "__main__":
    sys.exit(main())
