"""`kcon incident`: begins, notes, ends, lists and exports incidents; `open` shows one in the console."""

import asyncio
from pathlib import Path
from typing import Final

from kcon.cli.document import Column, Document, Item, Value, int64
from kcon.cli.invocation import Invocation
from kcon.cli.past import moment_ms
from kcon.commands.incident import (
    IncidentExport,
    IncidentList,
    IncidentNote,
    IncidentStart,
    IncidentStop,
)
from kcon.commands.request import Request
from kcon.core.times import format_time
from kcon.core.units import format_duration
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import ExitCode, KconError, UnreachableError
from kcon.observe.history_file import has_writer
from kcon.observe.history_keys import Incident
from kcon.observe.recording import INCIDENT_INTERVAL_MS
from kcon.services.cluster_watch import ClusterWatch
from kcon.services.history import open_past
from kcon.services.incident_report import incident_markdown
from kcon.services.incidents import Incidents, export_incident
from kcon.services.session import Session

IDLE_FACTOR: Final = 1
"""The pause after a look is at least as long as the look took."""
MARKDOWN: Final = ".md"


async def run_incident(request: Request, invocation: Invocation) -> int:
    """Execute one request about incidents."""
    async with invocation.open_session() as session:
        async with invocation.deadline():
            incidents = await Incidents.of(session)
        now_ms = invocation.environment.now_ms()
        match request:
            case IncidentStart():
                return await _start(request, invocation, session, incidents)
            case IncidentNote():
                subject = await asyncio.to_thread(incidents.note, request.text, request.name, now_ms)
                return _show_note(invocation, request.text, subject, now_ms)
            case IncidentStop():
                stopped = await asyncio.to_thread(incidents.stop, request.name, now_ms)
                return _show(invocation, [stopped])
            case IncidentList():
                return _show(invocation, await asyncio.to_thread(incidents.all))
            case IncidentExport():
                return await _export(request, invocation, session, incidents)
            case _:
                raise AssertionError(f"not about incidents: {request.command}")


def _show_note(invocation: Invocation, text: str, subject: str | None, at_ms: int) -> int:
    to = f" to incident {display_safe(subject)}" if subject is not None else ", outside of any incident"
    return invocation.show(
        Document(
            kind="Note",
            context=invocation.context.name,
            columns=(Column(key="time"), Column(key="incident"), Column(key="text")),
            name_key="text",
            items=[
                {
                    "time": format_time(at_ms, invocation.zone[0]),
                    "incident": None if subject is None else WireText(subject),
                    "text": WireText(text),
                }
            ],
            notes=[f"Noted{to}; `kcon history marks` lists it."],
        )
    )


def _show(invocation: Invocation, incidents: list[Incident]) -> int:
    tz, now_ms = invocation.zone[0], invocation.environment.now_ms()

    def show_time(value: Value) -> str:
        return format_time(value, tz, milliseconds=False) if isinstance(value, int) else "goes on"

    def item(incident: Incident) -> Item:
        end_ms = incident.end_ms if incident.end_ms is not None else now_ms
        return {
            "name": WireText(incident.name),
            "start_ms": int64(incident.start_ms),
            "end_ms": int64(incident.end_ms),
            "duration_ms": int64(max(0, end_ms - incident.start_ms)),
        }

    return invocation.show(
        Document(
            kind="IncidentList",
            context=invocation.context.name,
            columns=(
                Column(key="name"),
                Column(key="start_ms", header="FROM", show=show_time),
                Column(key="end_ms", header="TO", show=show_time),
                Column(
                    key="duration_ms",
                    header="LASTED",
                    right=True,
                    show=lambda value: format_duration(value) if isinstance(value, int) else "",
                ),
            ),
            items=[item(each) for each in incidents],
        )
    )


async def _start(request: IncidentStart, invocation: Invocation, session: Session, incidents: Incidents) -> int:
    now_ms = invocation.environment.now_ms()
    start_ms = now_ms if request.since is None else moment_ms(request.since, invocation)
    incident = await asyncio.to_thread(incidents.start, request.name, start_ms)
    if request.record:
        return await _record(incident, invocation, session, incidents)
    if not await asyncio.to_thread(has_writer, incidents.path):
        invocation.diagnostics.note(
            "Nobody looks at this cluster now: keep the console, `kcon top` or `kcon metrics` open, or end this one "
            "and start another with --record."
        )
    return _show(invocation, [incident])


async def _record(incident: Incident, invocation: Invocation, session: Session, incidents: Incidents) -> int:
    """Look every second until the incident is ended, here with ctrl-C or elsewhere."""
    invocation.follows = True
    watch = ClusterWatch(session, records=True)
    invocation.diagnostics.note("Looking every second; ctrl-C ends the looks, `kcon incident stop` the incident.")
    told = ""
    loop = asyncio.get_running_loop()
    try:
        while (await asyncio.to_thread(incidents.find, incident.name)).end_ms is None:
            began_s = loop.time()
            try:
                async with invocation.deadline():
                    await watch.look()
                told = ""
            except UnreachableError as error:
                if error.message != told:
                    invocation.diagnostics.note(error.message)
                told = error.message
            took_s = loop.time() - began_s
            await asyncio.sleep(max(INCIDENT_INTERVAL_MS / 1000 - took_s, took_s * IDLE_FACTOR))
    finally:
        await watch.close()
    return _show(invocation, [await asyncio.to_thread(incidents.find, incident.name)])


async def _export(request: IncidentExport, invocation: Invocation, session: Session, incidents: Incidents) -> int:
    async with invocation.deadline():
        incident = await asyncio.to_thread(incidents.find, request.name)
        past = await open_past(session)
    end_ms = incident.end_ms if incident.end_ms is not None else invocation.environment.now_ms()
    try:
        if request.path is not None and not request.path.endswith(MARKDOWN):
            await asyncio.to_thread(export_incident, past, incident, end_ms, Path(request.path))
        else:
            text = await asyncio.to_thread(incident_markdown, past, incident, end_ms, invocation.zone[0])
            if request.path is None:
                invocation.writer.text(text)
                invocation.writer.flush()
                return ExitCode.OK
            _write_new(Path(request.path), text)
    finally:
        past.close()
    invocation.diagnostics.note(f"Written to {request.path}.")
    return ExitCode.OK


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise KconError(f"{path} is there already.", "Name another file, or move it away.") from error
