"""`kcon context`: which clusters does kcon know, and which one is meant when nothing is said?"""

from typing import Any, ClassVar

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


class ContextRemove(Request):
    """Take a context out of the configuration."""

    command: ClassVar[str] = "context remove"
    name: str


class ContextEdit(Request):
    """Open the configuration in an editor."""

    command: ClassVar[str] = "context edit"


class ContextShell(Request):
    """Start a shell in which a context is the current one."""

    command: ClassVar[str] = "context shell"
    name: str


class ContextTrust(Request):
    """Trust a project file."""

    command: ClassVar[str] = "context trust"
    path: str | None = None
    """None: the one that counts in this folder."""
    revoke: bool = False
    list_files: bool = False


class ContextImport(Request):
    """Make contexts of another tool's file."""

    command: ClassVar[str] = "context import"
    tool: str
    path: str | None = None
    """None: where the tool keeps it."""
    cluster: str | None = None
    """The name there; None: the tool's own choice, or the only one."""
    every: bool = False
    name: str | None = None
    keep: str = "file"
    """Where secrets go: file, keyring, skip."""
    link: bool = False
    replace: bool = False
    dry_run: bool = False


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


@leaf("remove", parent=COMMAND, options=[])
@click.argument("name", metavar="NAME")
def context_remove(*, shared: Shared, name: str) -> Request:
    """Take a context out of the configuration. Files with secrets that it names stay.

    Example: kcon context remove staging
    """
    return ContextRemove(shared=shared, name=name)


@leaf("edit", parent=COMMAND, options=[])
def context_edit(*, shared: Shared) -> Request:
    """Open the configuration in $VISUAL or $EDITOR. It is checked before it takes the old one's place.

    Example: kcon context edit
    """
    return ContextEdit(shared=shared)


@leaf("shell", parent=COMMAND, options=[])
@click.argument("name", metavar="NAME")
def context_shell(*, shared: Shared, name: str) -> Request:
    """Start a shell in which a context is the current one, for this terminal alone.

    Example: kcon context shell prod
    """
    return ContextShell(shared=shared, name=name)


@leaf("trust", parent=COMMAND, options=output_options())
@click.argument("path", metavar="[FILE]", required=False)
@click.option("--revoke", is_flag=True, help="Take the trust back.")
@click.option("--list", "list_files", is_flag=True, help="Show which files are trusted.")
def context_trust(*, shared: Shared, path: str | None, revoke: bool, list_files: bool) -> Request:
    """Let a project's .kcon.toml define contexts, until it changes.

    Without trust such a file may only choose a context and set view and decoder defaults: a checkout must neither run a
    command nor change where yours go. What it holds is shown.

    Example: kcon context trust

    Example: kcon context trust --list
    """
    if list_files and (path is not None or revoke):
        raise click.UsageError("--list stands alone.")
    return ContextTrust(shared=shared, path=path, revoke=revoke, list_files=list_files)


@leaf("import", parent=COMMAND, options=output_options())
@click.argument("path", metavar="[FILE]", required=False)
@click.option("--from", "tool", type=click.Choice(["kaf", "kcl", "kcat", "java"]), required=True, help="Whose file.")
@click.option("--cluster", metavar="NAME", help="Which of its clusters; by default the tool's own choice.")
@click.option("--all", "every", is_flag=True, help="Every cluster in it, under its own name.")
@click.option("--name", metavar="NAME", help="The name of the context; by default the cluster's, or the file's.")
@click.option(
    "--secrets",
    "keep",
    type=click.Choice(["file", "keyring", "skip"]),
    default="file",
    help="Where its passwords go: files of mode 600 (the default), the keyring, or nowhere. Never into config.toml.",
)
@click.option("--link", is_flag=True, help="Copy nothing: read the file whenever the context is used.")
@click.option("--replace", is_flag=True, help="Replace contexts of that name.")
@click.option("--dry-run", is_flag=True, help="Show what would be written.")
def context_import(*, shared: Shared, **values: Any) -> Request:
    """Make contexts of what another tool knows: kaf, kcl, kcat, or a Java client's properties.

    Keys and trust stores may be PEM, PKCS12 or JKS. Nothing in the file is expanded or run.

    Example: kcon context import --from kaf --all

    Example: kcon context import --from java client.properties --name prod
    """
    if values["every"] and (values["cluster"] is not None or values["name"] is not None):
        raise click.UsageError("--all takes every cluster under its own name.")
    return ContextImport(shared=shared, **values)
