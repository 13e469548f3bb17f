"""`kcon incident`: a stretch of time with a name, looked at every second, to be shown and handed on afterwards."""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf

NAME_MAX = 100


class IncidentStart(Request):
    """Begin an incident."""

    command: ClassVar[str] = "incident start"
    name: str
    since: str | None = None
    record: bool = False


class IncidentNote(Request):
    """Note something."""

    command: ClassVar[str] = "incident note"
    text: str
    name: str | None = None


class IncidentStop(Request):
    """End an incident."""

    command: ClassVar[str] = "incident stop"
    name: str | None = None


class IncidentList(Request):
    """List incidents."""

    command: ClassVar[str] = "incident list"


class IncidentExport(Request):
    """Write an incident to a file."""

    command: ClassVar[str] = "incident export"
    name: str
    path: str | None = None
    """None: the timeline goes to standard output."""


class IncidentOpen(Request):
    """Show an incident in the console."""

    command: ClassVar[str] = "incident open"
    path: str


COMMAND = Noun("incident", "Incidents: record one at a second, note, export, open it in the console.")
_ANSWER = [*output_options(), *connection_options()]


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise click.UsageError(f"An incident's name has 1 to {NAME_MAX} printable characters.")
    return name


@leaf("start", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="NAME")
@click.option("--since", metavar="TIME", help="It began before now: @-10m, @14:05.")
@click.option("--record", is_flag=True, help="Look every second, here, until ctrl-C or `kcon incident stop`.")
def incident_start(*, shared: Shared, name: str, since: str | None, record: bool) -> Request:
    """Begin an incident. While it is open, whoever writes the cluster's history looks every second.

    That is the console, `kcon top` or `kcon metrics`, wherever on this machine one runs; --record does it here. What an
    incident covers stays in history as fine as it was seen.

    Example: kcon incident start payment-lag --since @-5m

    Example: kcon incident start payment-lag --record
    """
    return IncidentStart(shared=shared, name=_name(name), since=since, record=record)


@leaf("note", parent=COMMAND, options=_ANSWER)
@click.argument("text", metavar="TEXT")
@click.option("--incident", "name", metavar="NAME", help="Which one; the one that is open by default.")
def incident_note(*, shared: Shared, text: str, name: str | None) -> Request:
    """Note something, with the time. Without an open incident it is a mark in history all the same.

    Example: kcon incident note 'rolled back consumer 4.2'
    """
    if not text.strip():
        raise click.UsageError("The note is empty.")
    return IncidentNote(shared=shared, text=text.strip(), name=None if name is None else _name(name))


@leaf("stop", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="[NAME]", required=False)
def incident_stop(*, shared: Shared, name: str | None) -> Request:
    """End an incident; the one that is open, if there is one alone.

    Example: kcon incident stop
    """
    return IncidentStop(shared=shared, name=None if name is None else _name(name))


@leaf("list", parent=COMMAND, options=_ANSWER)
def incident_list(*, shared: Shared) -> Request:
    """List the incidents of the cluster.

    Example: kcon incident list
    """
    return IncidentList(shared=shared)


@leaf("export", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="NAME")
@click.argument("path", metavar="[FILE]", required=False)
def incident_export(*, shared: Shared, name: str, path: str | None) -> Request:
    """Write an incident's timeline as Markdown to standard output, or all of it to a file for `kcon incident open`.

    A FILE whose name ends in .md gets the timeline; any other gets every sample, fact and mark of the incident.

    Example: kcon incident export payment-lag > payment-lag.md

    Example: kcon incident export payment-lag payment-lag.kcon
    """
    return IncidentExport(shared=shared, name=_name(name), path=path)


@leaf("open", parent=COMMAND, options=[])
@click.argument("path", metavar="FILE")
def incident_open(*, shared: Shared, path: str) -> Request:
    """Show an exported incident in the console, at any of its moments; no cluster is asked.

    Example: kcon incident open payment-lag.kcon
    """
    return IncidentOpen(shared=shared, path=path)
