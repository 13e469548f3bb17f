"""`kcon demo`: a broker, real data, groups that behave differently, and the console on top."""

from typing import ClassVar, Final

import click

from kcon.commands.options import report_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf

HEADLESS_SECONDS: Final = 20.0


class Demo(Request):
    """Run the demo."""

    command: ClassVar[str] = "demo"
    headless: bool = False
    seconds: float | None = None
    data_dir: str | None = None
    port: int = 0
    speed: float = 1.0
    keep: bool = False


@leaf("demo", options=report_options())
@click.option("--headless", is_flag=True, help="Without a screen: run, check what was stored, print a report.")
@click.option("--seconds", type=click.FloatRange(min=0.1), metavar="N", help="How long --headless runs; 20 by default.")
@click.option("--data-dir", metavar="FOLDER", help="Keep the broker's data here; else it is removed at the end.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), metavar="PORT", default=0, help="The broker's port; else a free one."
)
@click.option(
    "--speed", type=click.FloatRange(min=0.01, max=1_000), default=1.0, metavar="X", help="Time runs X times as fast."
)
@click.option("--keep", is_flag=True, help="Leave the temporary folder behind.")
def demo(
    *,
    shared: Shared,
    headless: bool,
    seconds: float | None,
    data_dir: str | None,
    port: int,
    speed: float,
    keep: bool,
) -> Request:
    """Run a broker with real data, live groups and the console on top.

    The data are the flights out of New York in 2013. Nothing is left behind. --headless ends with 0 when an
    independent read finds every record that was written.

    Example: kcon demo

    Example: kcon demo --headless --seconds 20
    """
    if seconds is not None and not headless:
        raise click.UsageError("--seconds belongs to --headless; the console ends with q.")
    return Demo(
        shared=shared,
        headless=headless,
        seconds=seconds if seconds is not None else HEADLESS_SECONDS if headless else None,
        data_dir=data_dir,
        port=port,
        speed=speed,
        keep=keep,
    )


COMMAND = demo
