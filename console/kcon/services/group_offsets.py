"""What did groups commit, and how are single commits deleted? With an undo record first."""

from collections.abc import Mapping, Sequence

from kcon.admin.client import Admin
from kcon.core.ids import GroupId, TopicPartition, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import CommittedOffset, GroupCommits
from kcon.errors import KconError
from kcon.gate.permit import Operation, Permit
from kcon.services.groups import PartitionScope, list_groups
from kcon.services.item_changes import ItemChanges
from kcon.services.names import is_pattern
from kcon.services.near_names import group_not_found
from kcon.services.resets import describe_one, keep_undo_record, read_commits
from kcon.services.session import Session


async def read_offsets(
    session: Session, names: Sequence[str], scopes: Sequence[PartitionScope], *, regex: bool = False
) -> tuple[dict[GroupId, GroupCommits], dict[GroupId, KconError]]:
    """Return the commits of groups sorted by partition, and why others could not be read. scopes: only these."""
    if any(is_pattern(name, regex=regex) for name in names):
        listed = await list_groups(session, names, regex=regex)
        groups = [each.group for each in listed.groups] + [group_id(name) for name in listed.missing]
    else:
        groups = [group_id(name) for name in dict.fromkeys(names)]
    admin = await session.admin()
    told = await admin.committed_offsets(groups)
    found: dict[GroupId, GroupCommits] = {}
    errors: dict[GroupId, KconError] = {}
    for group, commits in told.items():
        if isinstance(commits, KafkaError):
            errors[group] = commits.as_exception(f"group {group}")
            continue
        if not commits and (await describe_one(admin, group)).state == "Dead":
            errors[group] = await group_not_found(admin, group)
            continue
        chosen = {where: commit for where, commit in commits.items() if _in_scope(where, scopes)}
        found[group] = dict(sorted(chosen.items(), key=lambda item: (item[0].topic.raw, item[0].partition)))
    return found, errors


def _in_scope(where: TopicPartition, scopes: Sequence[PartitionScope]) -> bool:
    return not scopes or any(scope.covers(where) for scope in scopes)


async def plan_offsets_delete(
    session: Session, group: GroupId, scopes: Sequence[PartitionScope]
) -> tuple[dict[TopicPartition, int], ItemChanges[TopicPartition]]:
    """Plan to delete the commits in these places; return their offsets and the changes."""
    admin = await session.admin()
    commits = {
        where: commit for where, commit in (await read_commits(admin, group)).items() if _in_scope(where, scopes)
    }
    offsets = {
        where: commit.offset
        for where, commit in sorted(commits.items(), key=lambda item: (item[0].topic.raw, item[0].partition))
        if isinstance(commit, CommittedOffset)
    }

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        before = await read_commits(admin, group)
        gone: dict[TopicPartition, int | None] = dict.fromkeys(offsets)
        keep_undo_record(session, group, "deletion of commits", before, gone)
        return await admin.delete_offsets(group, list(offsets), permit)

    changes = ItemChanges(
        operation=Operation.OFFSETS_DELETE,
        targets=frozenset({group.raw}),
        keys=tuple(offsets),
        label=lambda where: f"{where.topic.raw}/{where.partition}",
        send=send,
    )
    return offsets, changes
