"""`kcon context`: which clusters does kcon know, and which one is meant when nothing is said?"""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class ContextAdd(Request):
    """Write a context into the configuration."""

    command: ClassVar[str] = "context add"
    name: str
    mode: str = "read-write"
    color: str | None = None
    replace: bool = False


class ContextUse(Request):
    """Make a context the current one."""

    command: ClassVar[str] = "context use"
    name: str


class ContextList(Request):
    """List the contexts."""

    command: ClassVar[str] = "context list"


class ContextShow(Request):
    """Show the settings that a command would use now."""

    command: ClassVar[str] = "context show"
    name: str | None = None
    sources: bool = False


class ContextTest(Request):
    """Try a context step by step."""

    command: ClassVar[str] = "context test"


COMMAND = Noun("context", "Choose and keep the clusters that kcon talks to.")

_ANSWER = [*output_options(), *connection_options()]


@leaf("add", parent=COMMAND, options=connection_options())
@click.argument("name", metavar="NAME")
@click.option(
    "--mode",
    type=click.Choice(["read-write", "read-only", "protect"]),
    default="read-write",
    help="What the context may do; protect wants the target's name typed.",
)
@click.option("--color", metavar="COLOR", help="The frame colour in the console.")
@click.option("--replace", is_flag=True, help="Replace a context of that name.")
def context_add(*, shared: Shared, name: str, mode: str, color: str | None, replace: bool) -> Request:
    """Add a context: a name for an address (-b) and its settings (--mode, --tz, -X).

    Example: kcon context add prod -b b1:9092,b2:9092 --mode read-only
    """
    if shared.connection.bootstrap is None:
        raise click.UsageError("Give the address of the cluster with -b.")
    return ContextAdd(shared=shared, name=name, mode=mode, color=color, replace=replace)


@leaf("use", parent=COMMAND, options=connection_options())
@click.argument("name", metavar="NAME")
def context_use(*, shared: Shared, name: str) -> Request:
    """Make a context the current one.

    Example: kcon context use prod
    """
    return ContextUse(shared=shared, name=name)


@leaf("list", parent=COMMAND, options=_ANSWER)
def context_list(*, shared: Shared) -> Request:
    """List the contexts; the current one is marked.

    Example: kcon context list
    """
    return ContextList(shared=shared)


@leaf("show", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--sources", is_flag=True, help="Say where each value came from.")
def context_show(*, shared: Shared, name: str | None, sources: bool) -> Request:
    """Show the settings that a command would use now.

    Example: kcon context show

    Example: kcon context show prod --sources
    """
    return ContextShow(shared=shared, name=name, sources=sources)


@leaf("test", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="[NAME]", required=False)
def context_test(*, shared: Shared, name: str | None) -> Request:
    """Try a context: secrets, resolve, connect, authenticate, latency, and the record plane.

    Example: kcon context test prod
    """
    if name is not None:
        shared = shared.with_changes(connection=shared.connection.with_changes(context=name))
    return ContextTest(shared=shared)
