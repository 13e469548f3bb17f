"""`kcon group delete`: shows what goes with each group, asks, and tells what became of each."""

from collections.abc import Mapping

from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.group import GroupDelete
from kcon.core.ids import GroupId
from kcon.core.kafka_error import KafkaError
from kcon.gate.permit import Operation
from kcon.services.group_delete import GroupDeletePlan, apply_group_delete, plan_group_delete
from kcon.services.groups import missing_group
from kcon.services.session import Session

_COLUMNS = (
    Column(key="group"),
    Column(key="state"),
    Column(key="members", right=True),
    Column(key="commits", right=True),
    Column(key="result"),
)


async def run_delete(request: GroupDelete, invocation: Invocation, session: Session) -> int:
    """Execute the request."""
    refuse_early(session, Operation.GROUP_DELETE, request.confirmation)
    async with invocation.deadline():
        names = invocation.names(request.names)
        plan = await plan_group_delete(session, names, regex=request.regex, kind=request.kind)

    async def apply(confirmed_by: str) -> Outcome:
        confirmed = GroupDeletePlan(groups=plan.groups, commits=plan.commits, confirmed_by=confirmed_by)
        results = await apply_group_delete(session, confirmed)
        done = sum(error is None for error in results.values())
        return Outcome(
            errors=[
                ItemError(item=f"group {group}", error=error.as_exception(f"group {group}"))
                for group, error in results.items()
                if error is not None
            ],
            notes=[f"{done:,} of {len(results):,} groups deleted."],
            document=_document(invocation, plan, results, request.kind),
        )

    count = len(plan.groups)
    what = f"group {plan.groups[0].group}" if count == 1 else f"{count:,} groups"
    return await carry_out(
        invocation,
        request.confirmation,
        Change(
            operation=Operation.GROUP_DELETE,
            targets=plan.targets,
            document=_document(invocation, plan, None, request.kind),
            question=f"Delete {what} with all commits?",
            apply=apply,
            by_pattern=plan.by_pattern,
            is_empty=not plan.groups,
            blocked=plan.refusal,
        ),
    )


def _document(
    invocation: Invocation,
    plan: GroupDeletePlan,
    results: Mapping[GroupId, KafkaError | None] | None,
    kind: str | None,
) -> Document:
    items: list[Item] = []
    for each in plan.groups:
        error = results.get(each.group) if results is not None else None
        result = "to be deleted" if results is None else "deleted" if error is None else error.name
        items.append(
            {
                "group": each.group,
                "state": each.state,
                "members": len(each.members),
                "commits": len(plan.commits.get(each.group, {})),
                "result": result,
            }
        )
    return Document(
        kind="GroupDeletion",
        context=invocation.context.name,
        columns=_COLUMNS,
        name_key="group",
        items=items,
        errors=[ItemError(item=f"group {group}", error=missing_group(group, kind)) for group in plan.missing],
    )
