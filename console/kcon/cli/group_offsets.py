"""`kcon group offsets`: shows, exports and deletes commits; the import is a reset from a file."""

from collections.abc import Mapping, Sequence

from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item, ItemError, Value, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.group_offsets import GroupOffsets, GroupOffsetsDelete
from kcon.core.ids import GroupId, TopicPartition, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.offsets_csv import format_groups_csv, format_offsets_csv
from kcon.core.snapshot import CommittedOffset
from kcon.errors import KconError, NotFoundError
from kcon.gate.permit import Operation
from kcon.services.group_offsets import plan_offsets_delete, read_offsets
from kcon.services.session import Session


async def run_offsets(request: GroupOffsets | GroupOffsetsDelete, invocation: Invocation, session: Session) -> int:
    """Execute one request about commits."""
    if isinstance(request, GroupOffsetsDelete):
        return await _delete(request, invocation, session)
    async with invocation.deadline():
        found, group_errors = await read_offsets(
            session, invocation.names(request.names), scopes_of(request.topics), regex=request.regex
        )
    errors = _errors(found, group_errors)
    if request.export:
        return _export(found, errors, invocation)
    items: list[Item] = [
        {
            "group": group,
            **_place(where),
            "offset": int64(commit.offset),
            "leader_epoch": commit.leader_epoch if commit.leader_epoch >= 0 else None,
            "metadata": commit.metadata,
        }
        for group, commits in found.items()
        for where, commit in commits.items()
        if isinstance(commit, CommittedOffset)
    ]
    return invocation.show(
        Document(
            kind="GroupOffsets",
            context=invocation.context.name,
            columns=_COLUMNS,
            name_key="group",
            items=items,
            errors=errors,
        )
    )


_COLUMNS = (
    Column(key="group"),
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="offset", right=True),
    Column(key="leader_epoch", header="EPOCH", right=True, drop=1),
    Column(key="metadata", drop=2),
)


def _place(where: TopicPartition) -> dict[str, Value]:
    return {"topic": where.topic, "partition": where.partition}


def _errors(
    found: Mapping[GroupId, Mapping[TopicPartition, CommittedOffset | KafkaError]],
    group_errors: Mapping[GroupId, KconError],
) -> list[ItemError]:
    errors = [ItemError(item=f"group {group}", error=error) for group, error in group_errors.items()]
    for group, commits in found.items():
        for where, commit in commits.items():
            if isinstance(commit, KafkaError):
                label = f"{group} {where.topic}/{where.partition}"
                errors.append(ItemError(item=label, error=commit.as_exception(label)))
    return errors


def _export(
    found: Mapping[GroupId, Mapping[TopicPartition, CommittedOffset | KafkaError]],
    errors: Sequence[ItemError],
    invocation: Invocation,
) -> int:
    from kcon.cli.document import exit_code_of

    offsets = {
        group.raw: {where: commit.offset for where, commit in commits.items() if isinstance(commit, CommittedOffset)}
        for group, commits in found.items()
    }
    one = len(found) + sum(not isinstance(each.error, NotFoundError) for each in errors) <= 1
    invocation.writer.text(format_offsets_csv(next(iter(offsets.values()), {})) if one else format_groups_csv(offsets))
    invocation.writer.flush()
    invocation.diagnostics.item_errors(errors)
    return exit_code_of(errors)


async def _delete(request: GroupOffsetsDelete, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.OFFSETS_DELETE, request.confirmation)
    group = group_id(request.group)
    async with invocation.deadline():
        commits, changes = await plan_offsets_delete(session, group, scopes_of(request.topics))
    count = len(changes.keys)
    shape = Shape(
        kind="OffsetDeletion",
        columns=_COLUMNS[:4],
        question=f"Delete {count:,} commits of group {group}?",
        planned="to be deleted",
        done="deleted",
        what="commits",
        name_key="topic",
        notes=[f"`kcon group undo {group}` brings them back."] if count else ["There is no such commit."],
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda where: {"group": group, **_place(where), "offset": int64(commits[where])},
    )
