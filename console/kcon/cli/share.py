"""`kcon share`: executes its requests and shows the answers."""

from kcon.cli.document import Block, Column, Document, Item, ItemError, int64
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.cli.typed_groups import kind_errors, list_kind
from kcon.commands.request import Request
from kcon.commands.share import ShareDelete, ShareDescribe, ShareList, ShareOffsetsDelete, ShareReset
from kcon.core.kafka_error import KafkaError
from kcon.core.typed_group import ShareGroup, ShareOffset
from kcon.services.groups import resolve_groups
from kcon.services.session import Session


async def run_share(request: Request, invocation: Invocation) -> int:
    """Execute one request about share groups."""
    async with invocation.open_session() as session:
        match request:
            case ShareList():
                return await list_kind("share", request.patterns, invocation, session)
            case ShareDescribe():
                return await _describe(request, invocation, session)
            case ShareReset():
                from kcon.cli.share_changes import run_share_reset

                return await run_share_reset(request, invocation, session)
            case ShareDelete():
                from kcon.cli.share_changes import run_share_delete

                return await run_share_delete(request, invocation, session)
            case ShareOffsetsDelete():
                from kcon.cli.share_changes import run_share_forget

                return await run_share_forget(request, invocation, session)
            case _:
                raise AssertionError(f"not about share groups: {request.command}")


_OFFSET_COLUMNS = (
    Column(key="group"),
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="start", right=True),
    Column(key="lag", right=True),
)


async def _describe(request: ShareDescribe, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        admin = await session.admin()
        groups = await resolve_groups(session, invocation.names(request.names), kind="share")
        told = await admin.describe_share_groups(groups)
        offsets = await admin.share_offsets([group for group, each in told.items() if isinstance(each, ShareGroup)])
    items: list[Item] = []
    rows: list[Item] = []
    blocks: list[Block] = []
    errors = kind_errors("share", told)
    for group, each in told.items():
        if isinstance(each, KafkaError):
            continue
        found = offsets.get(group, ())
        if isinstance(found, KafkaError):
            errors.append(ItemError(item=f"offsets of {group}", error=found.as_exception(f"offsets of {group}")))
            found = ()
        places = [_place(place) for place in found]
        items.append({**_facts(each), "offsets": places})
        rows += [{"group": group, **place} for place in places]
        members = ", ".join(f"{member.client_id}@{member.host}" for member in each.members)
        blocks.append(
            Block(
                heading=f"Share group {group}",
                facts=[
                    ("state", each.state),
                    ("assignor", each.assignor or show(None)),
                    ("coordinator", str(each.coordinator_id)),
                    ("members", members or "none"),
                ],
                columns=_OFFSET_COLUMNS[1:] if places else (),
                rows=places,
            )
        )
    return invocation.show(
        Document(
            kind="ShareGroupDescription",
            context=invocation.context.name,
            columns=_OFFSET_COLUMNS,
            name_key="group",
            items=items,
            rows=rows,
            blocks=blocks,
            errors=errors,
        )
    )


def _place(place: ShareOffset) -> Item:
    return {
        "topic": place.partition.topic,
        "partition": place.partition.partition,
        "start": int64(place.start_offset),
        "lag": int64(place.lag),
    }


def _facts(group: ShareGroup) -> Item:
    return {
        "group": group.group,
        "state": group.state,
        "epoch": group.group_epoch,
        "assignor": group.assignor or None,
        "coordinator": group.coordinator_id,
        "members": [
            {
                "member": member.member_id,
                "client_id": member.client_id,
                "host": member.host,
                "rack": member.rack,
                "subscribed": member.subscribed,
                "assignment": [f"{where.topic.raw}/{where.partition}" for where in member.assignment],
            }
            for member in group.members
        ],
    }
