"""`kcon topic apply` and `kcon topic clone`: show what differs, have it confirmed, and make it so."""

from pathlib import Path

from kcon.admin.topic_changes import NewTopic
from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.topic_shape import TopicApply, TopicClone
from kcon.core.ids import TopicName, topic_name
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, KconError, UsageError
from kcon.gate.permit import Operation
from kcon.services.copy_plan import clone_of
from kcon.services.session import Session
from kcon.services.topic_apply import ApplyPlan, ApplyRow, apply_plan, parse_specs, plan_apply
from kcon.services.topic_changes import TopicCreatePlan, apply_create, check_create

FILE_BYTES_MAX = 64 * 1024 * 1024

_COLUMNS = (
    Column(key="topic"),
    Column(key="action"),
    Column(key="what"),
    Column(key="current"),
    Column(key="wanted"),
)


async def run_topic_shape(request: TopicApply | TopicClone, invocation: Invocation, session: Session) -> int:
    """Execute one change of the shape of topics."""
    if isinstance(request, TopicClone):
        return await _clone(request, invocation, session)
    specs = parse_specs(_read(request.path, invocation))
    refuse_early(session, Operation.CONFIG_ALTER, request.confirmation)
    async with invocation.deadline():
        plan = await plan_apply(session, specs, resets=request.resets, delete=request.delete)
    document = _document(invocation, plan)
    if request.diff:
        invocation.show(document)
        return ExitCode.CHECK_FAILED if plan.rows else ExitCode.OK

    async def apply(confirmed_by: str) -> Outcome:
        failed = await apply_plan(session, plan, confirmed_by)
        done = len(plan.targets) - len(failed)
        return Outcome(
            errors=[ItemError(item=f"topic {name}", error=error) for name, error in failed.items()],
            notes=[f"{done:,} of {len(plan.targets):,} topics are as the file says now."],
            document=_document(invocation, plan, failed),
        )

    return await carry_out(
        invocation,
        request.confirmation,
        Change(
            operation=Operation.CONFIG_ALTER,
            targets=plan.targets,
            document=document,
            question=f"Change {len(plan.targets):,} topics?",
            apply=apply,
            by_pattern=plan.deletes is not None,
            is_empty=not plan.rows,
            blocked=plan.error,
        ),
    )


def _read(path: str, invocation: Invocation) -> bytes:
    if path == "-":
        data = invocation.environment.stdin.read(FILE_BYTES_MAX + 1)
    else:
        try:
            with Path(path).open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise UsageError(f"Cannot read {display_safe(path)}: {error.strerror or error}.") from error
    if len(data) > FILE_BYTES_MAX:
        raise UsageError(f"The file is larger than {FILE_BYTES_MAX:,} bytes.")
    return data


def _document(invocation: Invocation, plan: ApplyPlan, failed: dict[TopicName, KconError] | None = None) -> Document:
    columns = _COLUMNS if failed is None else (*_COLUMNS, Column(key="result"))
    return Document(
        kind="TopicApply",
        context=invocation.context.name,
        columns=columns,
        items=[_item(row, failed) for row in plan.rows],
        errors=[ItemError(item=f"topic {row.topic}", error=row.error) for row in plan.rows if row.error is not None],
        notes=[f"{plan.unchanged:,} topics are as the file says."] if failed is None else [],
        name_key="topic",
    )


def _item(row: ApplyRow, failed: dict[TopicName, KconError] | None) -> Item:
    item: Item = {
        "topic": row.topic,
        "action": row.action,
        "what": row.what,
        "current": row.current,
        "wanted": row.wanted,
    }
    return item if failed is None else {**item, "result": "failed" if row.topic in failed else "done"}


_CLONE_COLUMNS = (
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="replicas", right=True),
    Column(key="configs"),
    Column(key="result"),
)


async def _clone(request: TopicClone, invocation: Invocation, session: Session) -> int:
    confirmation = request.confirmation
    refuse_early(session, Operation.TOPIC_CREATE, confirmation)
    async with invocation.deadline():
        shape = await clone_of(
            session, session, topic_name(request.source), topic_name(request.source), request.replication_factor
        )
        plan = TopicCreatePlan(
            topics=tuple(
                NewTopic(
                    name=topic_name(name),
                    partitions=request.partition_count or shape.partitions,
                    replication_factor=shape.replication_factor,
                    configs={**shape.configs, **dict(request.configs)},
                )
                for name in dict.fromkeys(invocation.names(request.names))
            ),
            # Creating takes nothing away, so the command itself is the confirmation.
            confirmed_by=confirmation.confirmed_by or "command",
        )
        results = await (check_create if confirmation.dry_run else apply_create)(session, plan)
    done = "would be created" if confirmation.dry_run else "created"
    items: list[Item] = []
    errors: list[ItemError] = []
    for new in plan.topics:
        error = results[new.name]
        items.append(
            {
                "name": new.name,
                "partitions": new.partitions,
                "replicas": new.replication_factor,
                "configs": [f"{key}={value}" for key, value in new.configs.items()],
                "result": done if error is None else error.name,
            }
        )
        if error is not None:
            errors.append(ItemError(item=f"topic {new.name}", error=error.as_exception(f"topic {new.name}")))
    return invocation.show(
        Document(
            kind="TopicCreation",
            context=invocation.context.name,
            columns=_CLONE_COLUMNS,
            items=items,
            errors=errors,
            notes=["Dry run: nothing was changed."] if confirmation.dry_run else [],
        )
    )
