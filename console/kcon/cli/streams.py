"""`kcon streams`: executes its requests and shows the answers."""

from kcon.cli.changes import refuse_early
from kcon.cli.document import Block, Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.cli.typed_groups import kind_errors, list_kind
from kcon.commands.request import Request
from kcon.commands.streams import StreamsDelete, StreamsDescribe, StreamsList, StreamsReset
from kcon.core.ids import GroupId, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.typed_group import StreamsGroup
from kcon.gate.permit import Operation
from kcon.services.groups import resolve_groups
from kcon.services.session import Session


async def run_streams(request: Request, invocation: Invocation) -> int:
    """Execute one request about streams groups."""
    async with invocation.open_session() as session:
        match request:
            case StreamsList():
                return await list_kind("streams", request.patterns, invocation, session)
            case StreamsDescribe():
                return await _describe(request, invocation, session)
            case StreamsReset():
                from kcon.cli.group_reset import run_reset

                if not request.export:
                    refuse_early(session, Operation.OFFSETS_COMMIT, request.confirmation)
                await require_streams_group(session, group_id(request.group), invocation)
                return await run_reset(request, invocation, session)
            case StreamsDelete():
                from kcon.cli.group_delete import run_delete

                return await run_delete(request, invocation, session)
            case _:
                raise AssertionError(f"not about streams groups: {request.command}")


async def require_streams_group(session: Session, group: GroupId, invocation: Invocation) -> None:
    """NotFoundError unless there is a streams group of that name: a reset must not hit a group of another kind."""
    async with invocation.deadline():
        told = await (await session.admin()).describe_streams_groups([group])
    for each in kind_errors("streams", told):
        raise each.error


_TASK_COLUMNS = (
    Column(key="group"),
    Column(key="client_id", header="CLIENT"),
    Column(key="host", drop=1),
    Column(key="role"),
    Column(key="subtopology"),
    Column(key="partitions"),
)


async def _describe(request: StreamsDescribe, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        admin = await session.admin()
        groups = await resolve_groups(session, invocation.names(request.names), kind="streams")
        told = await admin.describe_streams_groups(groups)
    described = [each for each in told.values() if not isinstance(each, KafkaError)]
    return invocation.show(
        Document(
            kind="StreamsGroupDescription",
            context=invocation.context.name,
            columns=_TASK_COLUMNS,
            name_key="group",
            items=[_item(each) for each in described],
            rows=[row for each in described for row in _tasks(each)],
            blocks=[_block(each) for each in described],
            errors=kind_errors("streams", told),
        )
    )


def _tasks(group: StreamsGroup) -> list[Item]:
    return [
        {
            "group": group.group,
            "client_id": member.client_id,
            "host": member.host,
            "role": task.role,
            "subtopology": task.subtopology,
            "partitions": task.partitions,
        }
        for member in group.members
        for task in member.tasks
    ]


def _block(group: StreamsGroup) -> Block:
    rows = _tasks(group)
    return Block(
        heading=f"Streams group {group.group}",
        facts=[
            ("state", group.state),
            ("coordinator", str(group.coordinator_id)),
            ("topology epoch", show(group.topology_epoch)),
            ("members", show(len(group.members))),
            *((f"subtopology {name}", show(topics)) for name, topics in group.subtopologies),
        ],
        columns=_TASK_COLUMNS[1:] if rows else (),
        rows=rows,
    )


def _item(group: StreamsGroup) -> Item:
    return {
        "group": group.group,
        "state": group.state,
        "epoch": group.group_epoch,
        "topology_epoch": group.topology_epoch,
        "coordinator": group.coordinator_id,
        "subtopologies": [{"subtopology": name, "topics": topics} for name, topics in group.subtopologies],
        "members": [
            {
                "member": member.member_id,
                "client_id": member.client_id,
                "host": member.host,
                "process": member.process_id,
                "topology_epoch": member.topology_epoch,
                "classic": member.is_classic,
                "tasks": [
                    {"role": task.role, "subtopology": task.subtopology, "partitions": task.partitions}
                    for task in member.tasks
                ],
            }
            for member in group.members
        ],
    }
