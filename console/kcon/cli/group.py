"""`kcon group`: executes what is asked about groups; resets and undo stand in `group_reset`."""

from collections.abc import Iterable, Mapping, Sequence

from kcon.cli.document import Block, Column, Document, Int64, Item, ItemError, MadeItems
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.group import (
    GroupDelete,
    GroupDescribe,
    GroupLag,
    GroupList,
    GroupMembers,
    GroupReset,
    GroupUndo,
    TopicScope,
)
from kcon.commands.group_evict import GroupEvict
from kcon.commands.group_offsets import GroupOffsets, GroupOffsetsDelete
from kcon.commands.request import Request
from kcon.commands.resource_config import GroupConfig
from kcon.core.ids import GroupId, topic_name
from kcon.core.lag import PartitionLag, sum_lag
from kcon.core.snapshot import GroupDescription, GroupMember
from kcon.errors import KconError
from kcon.services.groups import (
    GroupsFound,
    LagReport,
    PartitionScope,
    describe_groups,
    group_lag,
    list_groups,
)
from kcon.services.session import Session


async def run_group(request: Request, invocation: Invocation) -> int:
    """Execute one request about groups."""
    async with invocation.open_session() as session:
        match request:
            case GroupList():
                return await _list(request, invocation, session)
            case GroupDescribe():
                return await _describe(request, invocation, session)
            case GroupLag():
                return await _lag(request, invocation, session)
            case GroupDelete():
                from kcon.cli.group_delete import run_delete

                return await run_delete(request, invocation, session)
            case GroupMembers():
                return await _members(request, invocation, session)
            case GroupEvict():
                from kcon.cli.group_evict import run_evict

                return await run_evict(request, invocation, session)
            case GroupOffsets() | GroupOffsetsDelete():
                from kcon.cli.group_offsets import run_offsets

                return await run_offsets(request, invocation, session)
            case GroupReset() if request.all_groups:
                from kcon.cli.group_reset_all import run_reset_all

                return await run_reset_all(request, invocation, session)
            case GroupReset():
                from kcon.cli.group_reset import run_reset

                return await run_reset(request, invocation, session)
            case GroupUndo():
                from kcon.cli.group_undo import run_undo

                return await run_undo(request, invocation, session)
            case GroupConfig():
                from kcon.cli.resource_config import run_resource_config

                return await run_resource_config(request, invocation, session)
            case _:
                raise AssertionError(f"not about groups: {request.command}")


def scopes_of(topics: Iterable[TopicScope]) -> list[PartitionScope]:
    """Return what -t named."""
    return [
        PartitionScope(
            topic=topic_name(each.topic), partitions=None if each.partitions is None else frozenset(each.partitions)
        )
        for each in topics
    ]


_LIST_COLUMNS = (
    Column(key="group"),
    Column(key="state"),
    Column(key="type", drop=1),
    Column(key="protocol_type", header="PROTOCOL", drop=2),
    Column(key="coordinator", right=True, drop=3),
)


async def _list(request: GroupList, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await list_groups(
            session, invocation.patterns(request.patterns), regex=request.regex, states=request.states
        )
    return invocation.show(list_document(invocation, found))


def list_document(invocation: Invocation, found: GroupsFound) -> Document:
    """Return the answer of `group list`."""
    return Document(
        kind="GroupList",
        context=invocation.context.name,
        columns=_LIST_COLUMNS,
        name_key="group",
        items=[
            {
                "group": each.group,
                "state": each.state or None,
                "type": each.group_type or None,
                "protocol_type": each.protocol_type or None,
                "coordinator": each.coordinator_id,
            }
            for each in found.groups
        ],
        errors=_broker_errors(found.errors),
    )


def _broker_errors(errors: Mapping[int, KconError]) -> list[ItemError]:
    return [ItemError(item=f"groups of broker {broker}", error=error) for broker, error in errors.items()]


def _group_errors(errors: Mapping[GroupId, KconError]) -> list[ItemError]:
    return [ItemError(item=f"group {group}", error=error) for group, error in errors.items()]


_MEMBER_COLUMNS = (
    Column(key="group"),
    Column(key="member"),
    Column(key="client_id", header="CLIENT"),
    Column(key="host"),
    Column(key="instance_id", header="INSTANCE"),
    Column(key="assignment"),
)


async def _describe(request: GroupDescribe, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        described, errors = await describe_groups(session, invocation.names(request.names), regex=request.regex)
    return invocation.show(description_document(invocation, described, errors))


def description_document(
    invocation: Invocation, described: Sequence[GroupDescription], errors: Mapping[GroupId, KconError]
) -> Document:
    """Return the answer of `group describe`."""
    return Document(
        kind="GroupDescription",
        context=invocation.context.name,
        columns=_MEMBER_COLUMNS,
        name_key="group",
        items=[_description_item(each) for each in described],
        rows=[{"group": each.group, **_member_item(member)} for each in described for member in each.members],
        blocks=[_description_block(each) for each in described],
        errors=_group_errors(errors),
    )


def _member_item(member: GroupMember) -> Item:
    return {
        "member": member.member_id,
        "client_id": member.client_id,
        "host": member.host,
        "instance_id": member.instance_id,
        "assignment": [f"{place.topic.raw}/{place.partition}" for place in member.assignment],
    }


async def _members(request: GroupMembers, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        described, errors = await describe_groups(session, invocation.names(request.names), regex=request.regex)
    return invocation.show(members_document(invocation, described, errors))


def members_document(
    invocation: Invocation, described: Sequence[GroupDescription], errors: Mapping[GroupId, KconError]
) -> Document:
    """Return the answer of `group members`."""
    return Document(
        kind="GroupMembers",
        context=invocation.context.name,
        columns=(*_MEMBER_COLUMNS[:-1], Column(key="partitions", right=True), _MEMBER_COLUMNS[-1]),
        name_key="member",
        items=[
            {"group": each.group, **_member_item(member), "partitions": len(member.assignment)}
            for each in described
            for member in each.members
        ],
        errors=_group_errors(errors),
    )


def _description_item(group: GroupDescription) -> Item:
    return {
        "group": group.group,
        "state": group.state,
        "type": group.group_type,
        "protocol_type": group.protocol_type,
        "assignor": group.protocol or None,
        "generation": group.generation_id,
        "coordinator": group.coordinator_id,
        "members": [_member_item(member) for member in group.members],
    }


def _description_block(group: GroupDescription) -> Block:
    return Block(
        heading=f"Group {group.group}",
        facts=[
            ("state", group.state),
            ("type", group.group_type),
            ("protocol", group.protocol_type or show(None)),
            ("assignor", group.protocol or show(None)),
            ("coordinator", str(group.coordinator_id)),
            ("members", show(len(group.members))),
        ],
        columns=_MEMBER_COLUMNS[1:] if group.members else (),
        rows=[_member_item(member) for member in group.members],
    )


_LAG_COLUMNS = (
    Column(key="group"),
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="committed", right=True, drop=3),
    Column(key="start", right=True, wide=True),
    Column(key="end", right=True, drop=4),
    Column(key="lag", right=True),
    Column(key="lost", right=True, drop=5),
    Column(key="client_id", header="CLIENT", drop=2),
    Column(key="host", drop=6),
    Column(key="member", wide=True),
)


async def _lag(request: GroupLag, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        report = await group_lag(
            session, invocation.patterns(request.names), regex=request.regex, scopes=scopes_of(request.topics)
        )
    return invocation.show(lag_document(invocation, report))


def lag_document(invocation: Invocation, report: LagReport) -> Document:
    """Return the answer of `group lag`."""
    total = sum_lag(report.rows)
    unknown = f", and {total.unknown:,} partitions whose lag is unknown" if total.unknown else ""
    lost = f"; {total.lost:,} records were deleted before they were read" if total.lost else ""
    notes = [f"Lag {total.lag:,} in {total.known:,} partitions{unknown}{lost}."] if len(report.rows) > 1 else []
    return Document(
        kind="GroupLag",
        context=invocation.context.name,
        columns=_LAG_COLUMNS,
        name_key="group",
        items=MadeItems(report.rows, _lag_item),
        errors=_lag_errors(report),
        notes=notes if invocation.writer.is_terminal else [],
    )


def _lag_item(row: PartitionLag) -> Item:
    group, (topic, partition), committed, start, end, lag, lost, member_id, client_id, host = row
    return {
        "group": group,
        "topic": topic,
        "partition": partition,
        # There are tens of thousands of these: no calls of `int64`.
        "committed": None if committed is None else Int64(committed),
        "start": None if start is None else Int64(start),
        "end": None if end is None else Int64(end),
        "lag": None if lag is None else Int64(lag),
        "lost": None if start is None else Int64(lost),  # What retention took is not known then, and not 0.
        "client_id": client_id,
        "host": host,
        "member": member_id,
    }


def _lag_errors(report: LagReport) -> list[ItemError]:
    errors = [*_broker_errors(report.broker_errors), *_group_errors(report.group_errors)]
    for (group, where), error in report.partition_errors.items():
        item = f"{group} {where.topic}/{where.partition}"
        errors.append(ItemError(item=item, error=error.as_exception(item)))
    return errors
