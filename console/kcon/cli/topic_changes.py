"""`kcon topic create` and `kcon topic delete`: shows the plan, has it confirmed, and carries it out."""

from kcon.admin.topic_changes import NewTopic
from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Column, Document, Item, ItemError, int64
from kcon.cli.invocation import Invocation
from kcon.cli.topic import missing_topics
from kcon.commands.topic import TopicCreate, TopicDelete
from kcon.core.ids import topic_name
from kcon.gate.permit import Operation
from kcon.services.session import Session
from kcon.services.topic_changes import (
    TopicCreatePlan,
    TopicDeletePlan,
    TopicResults,
    apply_create,
    apply_delete,
    check_create,
    plan_delete,
)

ALREADY_EXISTS = "TOPIC_ALREADY_EXISTS"


async def run_topic_change(request: TopicCreate | TopicDelete, invocation: Invocation, session: Session) -> int:
    """Execute one change of topics."""
    if isinstance(request, TopicCreate):
        return await _create(request, invocation, session)
    return await _delete(request, invocation, session)


_CREATE_COLUMNS = (
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="replicas", right=True),
    Column(key="configs"),
    Column(key="result"),
)


async def _create(request: TopicCreate, invocation: Invocation, session: Session) -> int:
    confirmation = request.confirmation
    refuse_early(session, Operation.TOPIC_CREATE, confirmation)
    # Creating takes nothing away, so the command itself is the confirmation; a protected context wants the name.
    plan = TopicCreatePlan(
        topics=tuple(
            NewTopic(
                name=topic_name(name),
                partitions=request.partition_count or -1,
                replication_factor=request.replication_factor or -1,
                configs=dict(request.configs),
            )
            for name in dict.fromkeys(invocation.names(request.names))
        ),
        confirmed_by=confirmation.confirmed_by or "command",
    )
    async with invocation.deadline():
        results = await (check_create if confirmation.dry_run else apply_create)(session, plan)
    ignored = ALREADY_EXISTS if request.if_not_exists else ""
    document = Document(
        kind="TopicCreation",
        context=invocation.context.name,
        columns=_CREATE_COLUMNS,
        items=[_create_item(topic, results, dry_run=confirmation.dry_run) for topic in plan.topics],
        errors=_result_errors(results, ignored),
        notes=["Dry run: nothing was changed."] if confirmation.dry_run else [],
    )
    return invocation.show(document)


def _create_item(topic: NewTopic, results: TopicResults, *, dry_run: bool) -> Item:
    error = results[topic.name]
    done = "would be created" if dry_run else "created"
    return {
        "name": topic.name,
        "partitions": topic.partitions if topic.partitions > 0 else None,
        "replicas": topic.replication_factor if topic.replication_factor > 0 else None,
        "configs": [f"{key}={value}" for key, value in topic.configs.items()],
        "result": done if error is None else error.name,
    }


def _result_errors(results: TopicResults, ignored: str = "") -> list[ItemError]:
    return [
        ItemError(item=f"topic {name}", error=error.as_exception(f"topic {name}"))
        for name, error in results.items()
        if error is not None and error.name != ignored
    ]


_DELETE_COLUMNS = (
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="span", right=True),
    Column(key="result"),
)


async def _delete(request: TopicDelete, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.TOPIC_DELETE, request.confirmation)
    async with invocation.deadline():
        plan = await plan_delete(session, invocation.names(request.names), regex=request.regex)

    async def apply(confirmed_by: str) -> Outcome:
        confirmed = TopicDeletePlan(descriptions=plan.descriptions, confirmed_by=confirmed_by)
        results = await apply_delete(session, confirmed)
        done = sum(error is None for error in results.values())
        return Outcome(
            errors=_result_errors(results),
            notes=[f"{done:,} of {len(results):,} topics deleted."],
            document=_delete_document(invocation, plan, results),
        )

    document = _delete_document(invocation, plan, None, if_exists=request.if_exists)
    return await carry_out(
        invocation,
        request.confirmation,
        Change(
            operation=Operation.TOPIC_DELETE,
            targets=plan.targets,
            document=document,
            question=f"Delete {_count_topics(plan)} with all records? This cannot be undone.",
            apply=apply,
            by_pattern=plan.by_pattern,
            is_empty=not plan.descriptions,
        ),
    )


def _count_topics(plan: TopicDeletePlan) -> str:
    if len(plan.descriptions) == 1:
        return f"topic {plan.descriptions[0].topic.name}"
    return f"{len(plan.descriptions):,} topics"


def _delete_document(
    invocation: Invocation, plan: TopicDeletePlan, results: TopicResults | None, *, if_exists: bool = False
) -> Document:
    items: list[Item] = []
    for each in plan.descriptions:
        error = results.get(each.topic.name) if results is not None else None
        result = "to be deleted" if results is None else "deleted" if error is None else error.name
        items.append(
            {
                "name": each.topic.name,
                "partitions": len(each.partitions),
                "span": int64(each.span),
                "result": result,
            }
        )
    return Document(
        kind="TopicDeletion",
        context=invocation.context.name,
        columns=_DELETE_COLUMNS,
        items=items,
        errors=[] if if_exists else missing_topics(plan.missing, plan.near),
    )
