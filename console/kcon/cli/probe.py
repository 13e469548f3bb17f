"""`kcon probe`: sends records through the cluster and back, and shows how that went."""

from kcon.cli.document import Block, Column, Document, Item, Value
from kcon.cli.invocation import Invocation
from kcon.commands.probe import Probe
from kcon.commands.request import Request
from kcon.core.ids import group_id, topic_name
from kcon.core.probe_report import ProbeReport, RoundTrip, Spread, report
from kcon.errors import ExitCode
from kcon.services.probe import ProbeOptions, find_topic, probe_cluster
from kcon.services.session import Session


def _ms(value: Value) -> str:
    return f"{value:.1f} ms" if isinstance(value, float) else ""


_COLUMNS = (
    Column(key="topic"),
    *(Column(key=key, right=True) for key in ("sent", "received", "lost", "duplicates")),
    Column(key="round_trip_p50_ms", header="P50", right=True, show=_ms),
    Column(key="round_trip_p99_ms", header="P99", right=True, show=_ms),
    *(
        Column(key=f"{step}_{rank}_ms", right=True, wide=True, show=_ms)
        for step in ("produce", "commit")
        for rank in ("p50", "p99")
    ),
)
_PLAN = (Column(key="step"), Column(key="target"), Column(key="detail"))


async def run_probe(request: Request, invocation: Invocation) -> int:
    """Send and judge, or show what would be sent."""
    assert isinstance(request, Probe)
    async with invocation.open_session() as session:
        if request.confirmation.dry_run:
            async with invocation.deadline():
                return await _plan(request, invocation, session)
        return await _probe(request, invocation, session)


async def _probe(request: Probe, invocation: Invocation, session: Session) -> int:
    trips = await probe_cluster(
        session, _options(request), lambda index, trip: _progress(request, invocation, index, trip)
    )
    invocation.diagnostics.end_progress()
    told = report(trips)
    slow = told.round_trip.p99_ms is not None and (
        request.max_p99_ms is not None and told.round_trip.p99_ms > request.max_p99_ms
    )
    notes = [f"Round trips are slower than {request.max_p99_ms} ms."] if slow else []
    code = invocation.show(
        Document(
            kind="ProbeReport",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=[_item(request, told)],
            blocks=[_block(request, told)],
            name_key="topic",
            notes=notes,
        )
    )
    return code if told.is_well and not slow else ExitCode.CHECK_FAILED


async def _plan(request: Probe, invocation: Invocation, session: Session) -> int:
    options = _options(request)
    is_there = await find_topic(session, options) is not None
    topic = request.topic
    steps: list[Item] = []
    if not is_there:
        detail = "a partition a broker, kept for an hour" if request.create else "missing: the probe ends with 5"
        steps.append({"step": "create topic" if request.create else "find topic", "target": topic, "detail": detail})
    steps.append({"step": "produce", "target": topic, "detail": f"{request.count:,} records, {request.size_bytes} B"})
    steps.append({"step": "commit", "target": f"group {topic}", "detail": f"{request.count:,} times"})
    if request.delete:
        steps.append({"step": "delete", "target": topic, "detail": "the topic and the group"})
    return invocation.show(
        Document(
            kind="ProbePlan",
            context=invocation.context.name,
            columns=_PLAN,
            items=steps,
            name_key="step",
            notes=["Nothing was changed."],
        )
    )


def _options(request: Probe) -> ProbeOptions:
    return ProbeOptions(
        topic=topic_name(request.topic),
        group=group_id(request.topic),
        count=request.count,
        interval_ms=request.interval_ms,
        wait_ms=request.wait_ms,
        size_bytes=request.size_bytes,
        create=request.create,
        delete=request.delete,
        confirmed_by=request.confirmation.confirmed_by or "command",
    )


def _progress(request: Probe, invocation: Invocation, index: int, trip: RoundTrip) -> None:
    told = "lost" if trip.round_trip_ms is None else f"{trip.round_trip_ms:.1f} ms"
    invocation.diagnostics.progress(f"{index + 1:,} of {request.count:,}: {told}")


def _item(request: Probe, told: ProbeReport) -> Item:
    item: dict[str, Value] = {
        "topic": request.topic,
        "sent": told.sent,
        "not_acknowledged": told.not_acknowledged,
        "received": told.received,
        "lost": told.lost,
        "duplicates": told.duplicates,
        "not_committed": told.not_committed,
    }
    for name, spread in _spreads(told):
        for rank, value in zip(("p50", "p99", "max"), spread, strict=True):
            item[f"{name}_{rank}_ms"] = None if value is None else round(value, 3)
    return item


def _spreads(told: ProbeReport) -> tuple[tuple[str, Spread], ...]:
    return ("produce", told.produce), ("round_trip", told.round_trip), ("commit", told.commit)


def _block(request: Probe, told: ProbeReport) -> Block:
    facts = [
        (
            name.replace("_", " "),
            f"p50 {_known(spread.p50_ms)}, p99 {_known(spread.p99_ms)}, max {_known(spread.max_ms)}",
        )
        for name, spread in _spreads(told)
    ]
    facts.append(("lost", str(told.lost)))
    facts.append(("duplicates", str(told.duplicates)))
    if told.not_acknowledged:
        facts.append(("refused", str(told.not_acknowledged)))
    if told.not_committed:
        facts.append(("not committed", str(told.not_committed)))
    return Block(heading=f"{told.received:,} of {told.sent:,} records went through {request.topic}.", facts=facts)


def _known(time_ms: float | None) -> str:
    return "—" if time_ms is None else f"{time_ms:.1f} ms"
