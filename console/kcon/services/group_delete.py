"""How are groups deleted? With a plan that shows their commits, which are kept for undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kcon.core.ids import GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import GroupDescription
from kcon.errors import NotFoundError, RefusedError
from kcon.gate.permit import Operation
from kcon.services.groups import describe_groups
from kcon.services.names import is_pattern
from kcon.services.resets import Commits, active_group, keep_undo_record
from kcon.services.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDeletePlan:
    """Groups to delete, with the commits that go with them."""

    groups: tuple[GroupDescription, ...]
    commits: Mapping[GroupId, Commits]
    missing: tuple[GroupId, ...] = ()
    by_pattern: bool = False
    """Ids came from a pattern, so the user has not typed each of them."""
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.GROUP_DELETE

    @property
    def targets(self) -> frozenset[str]:
        """The groups' raw ids."""
        return frozenset(each.group.raw for each in self.groups)

    @property
    def refusal(self) -> RefusedError | None:
        """Why it cannot be done now, or None."""
        return next((active_group(each, "deleted") for each in self.groups if each.is_active), None)


async def plan_group_delete(
    session: Session, names: Sequence[str], *, regex: bool = False, kind: str | None = None
) -> GroupDeletePlan:
    """Find the groups that would be deleted, with their commits. An active group is part of the plan, too.

    kind: only groups of this type.
    """
    described, errors = await describe_groups(session, names, regex=regex, kind=kind)
    for error in errors.values():
        if not isinstance(error, NotFoundError):
            raise error
    return GroupDeletePlan(
        groups=tuple(described),
        commits=await _commits(session, [each.group for each in described]),
        missing=tuple(errors),
        by_pattern=any(is_pattern(name, regex=regex) for name in names),
    )


async def _commits(session: Session, groups: Sequence[GroupId]) -> dict[GroupId, Commits]:
    admin = await session.admin()
    commits: dict[GroupId, Commits] = {}
    for group, found in (await admin.committed_offsets(groups)).items():
        if isinstance(found, KafkaError):
            raise found.as_exception(f"group {group}")
        commits[group] = found
    return commits


async def apply_group_delete(session: Session, plan: GroupDeletePlan) -> dict[GroupId, KafkaError | None]:
    """Delete the groups; None for each that is gone. What they had committed is kept for undo first."""
    permit = await session.authorise(plan)
    admin = await session.admin()
    groups = [each.group for each in plan.groups]
    for group, commits in (await _commits(session, groups)).items():
        if commits:
            gone: dict[TopicPartition, int | None] = dict.fromkeys(commits)
            keep_undo_record(session, group, "deletion", commits, gone)
    results = await admin.delete_groups(groups, permit)
    failures = {group.raw: error.name for group, error in results.items() if error is not None}
    session.gate.record_result(permit, ok=not failures, detail={"errors": failures})
    return results
