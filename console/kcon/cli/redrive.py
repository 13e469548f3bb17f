"""`kcon redrive`: counts the dead letters by the topic they go back to, has it confirmed, and sends them."""

from kcon.cli.changes import Change, Outcome, carry_out
from kcon.cli.copy_run import run_copy_task
from kcon.cli.document import Column, Document, Item, ItemError, int64
from kcon.cli.invocation import Invocation
from kcon.cli.topic import missing_topics
from kcon.commands.redrive import Redrive
from kcon.commands.request import Request
from kcon.core.ids import topic_name
from kcon.core.offset_spec import FromStart, OffsetRange, Purpose, parse_offset_range
from kcon.errors import KconError, UsageError
from kcon.gate.permit import Operation
from kcon.records.read_plan import Isolation
from kcon.services.copy_plan import RedrivePlan, missing_targets, plan_redrive, redrive_route, spec_digest
from kcon.services.copying import CopyTask, positions_of
from kcon.services.job_progress import check_job_name, job_name, peek_progress
from kcon.services.record_filter import RecordFilter, compile_record_filter
from kcon.services.records import RecordQuery
from kcon.services.session import Session

_COLUMNS = (
    Column(key="source"),
    Column(key="target"),
    Column(key="records", right=True),
)


async def run_redrive(request: Request, invocation: Invocation) -> int:
    """Plan, confirm, send, report."""
    assert isinstance(request, Redrive)
    job = None if request.job is None else check_job_name(request.job)
    places = OffsetRange(FromStart(), None)
    if request.offset is not None:
        (zone, _name), now_ms = invocation.zone, invocation.environment.now_ms()
        places = parse_offset_range(request.offset, now_ms=now_ms, tz=zone, purpose=Purpose.CONSUME)
    query = RecordQuery(
        topics=(topic_name(request.topic),),
        partitions=None if request.partitions is None else frozenset(request.partitions),
        start=places.start,
        end=places.end,
        isolation=Isolation(request.isolation),
        where=_filter(request, invocation),
        exact=True,
    )
    async with invocation.open_session() as session:
        if not request.confirmation.dry_run:
            session.gate.refuse_if_read_only(Operation.PRODUCE)
        # The plan reads the dead letters, so it takes as long as they are many.
        change = await _plan(request, invocation, session, query, job)
        return await carry_out(invocation, request.confirmation, change)


def _filter(request: Redrive, invocation: Invocation) -> RecordFilter | None:
    return None if request.where is None else compile_record_filter(request.where, invocation.environment.now_ms())


async def _plan(
    request: Redrive, invocation: Invocation, session: Session, query: RecordQuery, job: str | None
) -> Change:
    to = None if request.to is None else topic_name(request.to)
    parts = (
        str(await session.cluster_id()),
        request.topic,
        request.to or "",
        request.offset or "",
        str(request.partitions),
        request.where or "",
    )
    job = job or job_name("redrive", *parts)
    done = None if request.again else await peek_progress(session, job)
    plan = await plan_redrive(session, query, to, positions_of(done))
    if topic_name(request.topic) in plan.records:
        raise UsageError("The dead letters would go into their own topic.", "Name another one with --to.")
    missing = await missing_targets(session, list(plan.records))
    errors = missing_topics(name.raw for name in missing)
    if plan.first_without_origin is not None:
        part, offset = plan.first_without_origin
        where = f"{part.topic}/{part.partition}/{offset}"
        reason = f"{plan.without_origin:,} records do not say where they came from; the first is {where}."
        errors.append(
            ItemError(item=where, error=KconError(reason, "Send them somewhere with --to, or choose others."))
        )
    topics = frozenset(plan.records)
    task = CopyTask(
        job=job,
        kind="redrive",
        spec=spec_digest(*parts),
        topics=topics,
        # What was read for the plan is what is sent: the ends stay.
        planned=plan.planned,
        route=redrive_route(to),
        where=_filter(request, invocation),
        again=request.again,
        bytes_per_s_max=request.bytes_per_s_max,
        compression=request.compression,
    )
    main = next(iter(plan.records), topic_name(request.topic))

    async def apply(confirmed_by: str) -> Outcome:
        names = (request.topic, ",".join(str(name) for name in plan.records))
        return await run_copy_task(
            invocation, session, session, task, confirmed_by, main=main, names=names, kind="RedriveReport"
        )

    return Change(
        operation=Operation.PRODUCE,
        targets=frozenset(topic.raw for topic in topics),
        document=_document(request, invocation, plan, errors),
        question=f"Send {sum(plan.records.values()):,} records back?",
        apply=apply,
        is_long=True,
        is_empty=not plan.records,
        blocked=errors[0].error if errors else None,
    )


def _document(request: Redrive, invocation: Invocation, plan: RedrivePlan, errors: list[ItemError]) -> Document:
    items: list[Item] = [
        {"source": topic_name(request.topic), "target": topic, "records": int64(count)}
        for topic, count in plan.records.items()
    ]
    notes = list(plan.planned.notes)
    if plan.planned.hidden:
        notes.append(f"{plan.planned.hidden:,} hidden behind an open transaction are not sent.")
    if not items and not errors:
        notes.append("There is nothing to send that was not sent before.")
    return Document(
        kind="RedrivePlan",
        context=invocation.context.name,
        columns=_COLUMNS,
        items=items,
        errors=errors,
        notes=notes,
        name_key="target",
    )
