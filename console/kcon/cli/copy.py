"""`kcon copy`: shows what goes where, has it confirmed, and copies."""

from contextlib import AsyncExitStack

from kcon.cli.changes import Change, Outcome, carry_out
from kcon.cli.copy_run import run_copy_task
from kcon.cli.document import Column, Document, Item, int64
from kcon.cli.invocation import Invocation
from kcon.commands.copy import Copy
from kcon.commands.request import Request
from kcon.core.ids import TopicName, TopicPartition, topic_name
from kcon.core.offset_spec import Absolute, FromStart, OffsetRange, Purpose, parse_offset_range
from kcon.core.record_address import parse_record_address
from kcon.core.wire_text import display_safe
from kcon.errors import RefusedError, UsageError
from kcon.gate.permit import Operation
from kcon.records.read_plan import Isolation
from kcon.services.copy_plan import (
    CopyTarget,
    Provenance,
    bounded_read,
    copy_route,
    create_target,
    plan_target,
    spec_digest,
)
from kcon.services.copying import CopyTask, positions_of, rest_of
from kcon.services.job_progress import check_job_name, job_name, peek_progress
from kcon.services.record_filter import compile_record_filter
from kcon.services.records import PlannedRead, RecordQuery, read_one
from kcon.services.session import Session

_COLUMNS = (
    Column(key="source"),
    Column(key="partition", right=True),
    Column(key="from", right=True),
    Column(key="to", right=True),
    Column(key="offsets", right=True),
    Column(key="target"),
    Column(key="into"),
)


async def run_copy(request: Request, invocation: Invocation) -> int:
    """Plan, confirm, copy, report."""
    assert isinstance(request, Copy)
    source_cluster, source_name = split_cluster(request.source)
    target_cluster, target_name = split_cluster(request.target)
    query = _query(request, invocation, source_name)
    if request.where is not None:
        compile_record_filter(request.where, 0)  # A filter that is none costs no connection.
    job = None if request.job is None else check_job_name(request.job)
    async with AsyncExitStack() as held:
        own = await held.enter_async_context(invocation.open_session())
        source = await _session(held, invocation, own, source_cluster)
        target = await _session(held, invocation, own, target_cluster)
        if not request.confirmation.dry_run:
            target.gate.refuse_if_read_only(Operation.PRODUCE)
        async with invocation.deadline():
            change = await _plan(
                request, invocation, source, target, query=query, topic=topic_name(target_name), job=job
            )
        return await carry_out(invocation, request.confirmation, change)


def split_cluster(text: str) -> tuple[str | None, str]:
    """Split `[CLUSTER:]TOPIC`; a topic's name has no colon, and a cluster may be an address that has one."""
    cluster, colon, name = text.rpartition(":")
    if not name or (colon and not cluster):
        raise UsageError(f"{display_safe(text)} names no topic.", "Write TOPIC, CONTEXT:TOPIC or HOST:PORT:TOPIC.")
    return cluster or None, name


async def _session(held: AsyncExitStack, invocation: Invocation, own: Session, cluster: str | None) -> Session:
    if cluster is None:
        return own
    return await held.enter_async_context(invocation.session_on(invocation.other_context(cluster)))


def _query(request: Copy, invocation: Invocation, source_name: str) -> RecordQuery:
    isolation = Isolation(request.isolation)
    if "/" in source_name:
        if request.offset is not None or request.partitions is not None:
            raise UsageError("A record is named by its address; leave -o and -p out.")
        part, offset = parse_record_address(source_name)
        return RecordQuery(
            topics=(part.topic,),
            partitions=frozenset({part.partition}),
            start=Absolute(offset),
            end=Absolute(offset + 1),
            isolation=isolation,
            exact=True,
        )
    places = OffsetRange(FromStart(), None)
    if request.offset is not None:
        (zone, _name), now_ms = invocation.zone, invocation.environment.now_ms()
        places = parse_offset_range(request.offset, now_ms=now_ms, tz=zone, purpose=Purpose.CONSUME)
    return RecordQuery(
        topics=(topic_name(source_name),),
        partitions=None if request.partitions is None else frozenset(request.partitions),
        start=places.start,
        end=places.end,
        isolation=isolation,
        exact=True,
    )


async def _plan(
    request: Copy,
    invocation: Invocation,
    source: Session,
    target: Session,
    *,
    query: RecordQuery,
    topic: TopicName,
    job: str | None,
) -> Change:
    source_topic = query.topics[0]
    source_cluster, target_cluster = await source.cluster_id(), await target.cluster_id()
    if source_cluster == target_cluster and source_topic == topic:
        raise RefusedError("Source and target are the same topic.", "Copy to another one, e.g. with --create.")
    if "/" in request.source:
        assert isinstance(query.start, Absolute)
        assert query.partitions is not None
        (partition,) = query.partitions
        await read_one(source, TopicPartition(source_topic, partition), query.start.offset)
    planned = await bounded_read(source, query)
    into = await plan_target(source, target, source_topic, topic, create=request.create, by_key=request.by_key)
    parts = (str(source_cluster), request.source, request.offset or "", str(request.partitions), request.where or "")
    job = job or job_name("copy", *parts, topic.raw)
    done = None if request.again else await peek_progress(target, job)
    rest = rest_of(planned, positions_of(done))
    provenance = None
    if request.provenance:
        provenance = Provenance(cluster_id=source_cluster.raw if source_cluster else None, reason=request.reason)
    now_ms = invocation.environment.now_ms()
    task = CopyTask(
        job=job,
        kind="copy",
        spec=spec_digest(*parts, topic.raw, request.by_key, request.provenance, request.reason),
        topics=frozenset({topic}),
        planned=planned,
        route=copy_route(topic, by_key=request.by_key, provenance=provenance),
        where=None if request.where is None else compile_record_filter(request.where, now_ms),
        again=request.again,
        bytes_per_s_max=request.bytes_per_s_max,
        compression=request.compression,
    )

    async def apply(confirmed_by: str) -> Outcome:
        if into.missing is not None:
            await create_target(target, into.missing, confirmed_by)
        names = (request.source, request.target)
        return await run_copy_task(
            invocation, source, target, task, confirmed_by, main=topic, names=names, kind="CopyReport"
        )

    return Change(
        operation=Operation.PRODUCE,
        targets=frozenset({topic.raw}),
        document=_document(request, invocation, rest, into, planned),
        question=f"Copy into {topic}?",
        apply=apply,
        context=target.context,
        is_long=True,
    )


def _document(
    request: Copy, invocation: Invocation, rest: PlannedRead, into: CopyTarget, planned: PlannedRead
) -> Document:
    notes = list(planned.notes)
    if into.missing is not None:
        settings = "".join(f", {key}={value}" for key, value in into.missing.configs.items())
        notes.append(f"Topic {into.topic} is made first: {into.partitions} partitions{display_safe(settings)}.")
    if planned.hidden:
        notes.append(f"{planned.hidden:,} hidden behind an open transaction are not copied.")
    before = {part.partition: part.start_offset for part in planned.plan.ranges}
    items: list[Item] = []
    for part in rest.plan.ranges:
        where: TopicPartition = part.partition
        end = part.end_offset or part.start_offset
        if part.start_offset > before[where]:
            notes.append(f"{where.topic}/{where.partition}: copied before up to {part.start_offset}.")
        items.append(
            {
                "source": where.topic,
                "partition": where.partition,
                "from": int64(part.start_offset),
                "to": int64(end),
                "offsets": int64(end - part.start_offset),
                "target": into.topic,
                "into": "by key" if request.by_key else str(where.partition),
            }
        )
    return Document(
        kind="CopyPlan", context=invocation.context.name, columns=_COLUMNS, items=items, notes=notes, name_key="target"
    )
