"""`kcon group reset --all-groups`: one plan over every group that has commits; each group is moved on its own."""

from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Column, Document, Item, ItemError, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.commands.group import GroupReset
from kcon.contexts.context import Mode
from kcon.core.ids import GroupId
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_spec import Purpose, describe_offset_spec, parse_offset_spec
from kcon.core.snapshot import GroupCommits
from kcon.errors import KconError, RefusedError
from kcon.gate.permit import Operation
from kcon.services.groups import OFFSET_GROUP_TYPES, list_groups
from kcon.services.resets import GroupResetPlan, ToPlace, active_group, apply_reset, plan_reset
from kcon.services.session import Session

_COLUMNS = (
    Column(key="group"),
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="current", right=True),
    Column(key="new", right=True),
    Column(key="delta", right=True),
    Column(key="result"),
)


async def run_reset_all(request: GroupReset, invocation: Invocation, session: Session) -> int:
    """Plan, show, confirm, apply group by group. A group that is active or fails costs its own rows only."""
    refuse_early(session, Operation.OFFSETS_COMMIT, request.confirmation)
    if invocation.context.mode is Mode.PROTECT and not request.confirmation.dry_run:
        raise RefusedError("This context is protected: reset one group at a time, with its name typed.")
    zone, zone_name = invocation.zone
    spec = parse_offset_spec(
        request.target or "", now_ms=invocation.environment.now_ms(), tz=zone, purpose=Purpose.RESET
    )
    target = ToPlace(spec=spec, text=describe_offset_spec(spec, zone, zone_name))
    scopes = scopes_of(request.topics)
    plans: list[GroupResetPlan] = []
    errors: list[ItemError] = []
    async with invocation.deadline():
        commits = await _groups_with_commits(session, errors)
        for group in commits:
            known = commits[group]
            covered = [scope for scope in scopes if any(scope.covers(where) for where in known)]
            if scopes and not covered:
                continue
            try:
                plan = await plan_reset(session, group, target, covered)
                if plan.description.is_active:
                    raise active_group(plan.description)
            except KconError as error:
                errors.append(ItemError(item=f"group {group}", error=error))
                continue
            plans.append(plan)

    async def apply(confirmed_by: str) -> Outcome:
        failed: list[ItemError] = []
        results: dict[GroupId, str] = {}
        for plan in plans:
            group = plan.plan.group
            try:
                told = await apply_reset(session, plan.confirmed(confirmed_by))
            except KconError as error:
                failed.append(ItemError(item=f"group {group}", error=error))
                results[group] = "left alone"
                continue
            for where, refused in told.results.items():
                if refused is not None:
                    label = f"{group} {where.topic}/{where.partition}"
                    failed.append(ItemError(item=label, error=refused.as_exception(label)))
            results[group] = "committed" if not any(told.results.values()) else "partly"
        done = sum(word == "committed" for word in results.values())
        return Outcome(
            errors=failed,
            notes=[f"{done:,} of {len(plans):,} groups moved. `kcon group undo GROUP` takes one back."],
            document=_document(plans, invocation, errors, results),
        )

    changed = [plan for plan in plans if plan.plan.changed_rows]
    return await carry_out(
        invocation,
        request.confirmation,
        Change(
            operation=Operation.OFFSETS_COMMIT,
            targets=frozenset(plan.plan.group.raw for plan in plans),
            document=_document(plans, invocation, errors, None),
            question=f"Move the commits of {len(changed):,} groups?",
            apply=apply,
            by_pattern=True,
            is_empty=not changed,
        ),
    )


async def _groups_with_commits(session: Session, errors: list[ItemError]) -> dict[GroupId, GroupCommits]:
    """Return the groups that have commits, sorted; put those that cannot be read into `errors`."""
    listed = await list_groups(session)
    errors += [ItemError(item=f"groups of broker {broker}", error=error) for broker, error in listed.errors.items()]
    wanted = [each.group for each in listed.groups if each.group_type in OFFSET_GROUP_TYPES]
    found: dict[GroupId, GroupCommits] = {}
    for group, commits in (await (await session.admin()).committed_offsets(wanted)).items():
        if isinstance(commits, KafkaError):
            errors.append(ItemError(item=f"group {group}", error=commits.as_exception(f"group {group}")))
        elif commits:
            found[group] = commits
    return found


def _document(
    plans: list[GroupResetPlan],
    invocation: Invocation,
    errors: list[ItemError],
    results: dict[GroupId, str] | None,
) -> Document:
    items: list[Item] = [
        {
            "group": plan.plan.group,
            "topic": row.partition.topic,
            "partition": row.partition.partition,
            "current": int64(row.current),
            "new": int64(row.new),
            "delta": int64(row.delta),
            "result": "to be committed" if results is None else results.get(plan.plan.group, "left alone"),
        }
        for plan in plans
        for row in plan.plan.rows
    ]
    return Document(
        kind="OffsetResets",
        context=invocation.context.name,
        columns=_COLUMNS,
        items=items,
        name_key="group",
        errors=errors,
    )
