"""`kcon topic`: executes its requests and shows the answers."""

from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.commands.topic import TopicList
from kcon.core.snapshot import TopicInfo


async def run_topic(request: Request, invocation: Invocation) -> int:
    """Execute one request about topics."""
    match request:
        case TopicList():
            return await _list(request, invocation)
        case _:
            raise AssertionError(f"not about topics: {request.command}")


_LIST_COLUMNS = (
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="replicas", right=True, drop=1),
    Column(key="under_replicated", right=True, drop=2),
    Column(key="offline", right=True, drop=3),
    Column(key="internal", drop=4),
    Column(key="topic_id", header="ID", wide=True),
)


async def _list(request: TopicList, invocation: Invocation) -> int:
    from kcon.services.topics import list_topics

    async with invocation.open_session() as session, invocation.deadline():
        found = await list_topics(
            session, invocation.names(request.patterns), regex=request.regex, internal=request.internal
        )
    errors = [
        ItemError(item=f"topic {topic.name}", error=topic.error.as_exception(f"topic {topic.name}"))
        for topic in found.topics
        if topic.error is not None
    ]
    return invocation.show(
        Document(
            kind="TopicList",
            context=invocation.context.name,
            columns=_LIST_COLUMNS,
            items=[_list_item(topic) for topic in found.topics],
            errors=errors,
        )
    )


def _list_item(topic: TopicInfo) -> Item:
    return {
        "name": topic.name,
        "partitions": len(topic.partitions),
        "replicas": topic.replication_factor,
        "under_replicated": sum(part.is_under_replicated for part in topic.partitions),
        "offline": sum(part.leader_id < 0 for part in topic.partitions),
        "internal": topic.internal,
        "topic_id": topic.topic_id,
    }
