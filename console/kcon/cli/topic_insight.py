"""`kcon topic analyze|consumers|producers`: asks the services and shows the answers."""

from datetime import tzinfo

from kcon.cli.document import Block, Column, Document, Item, ItemError, Value, int64
from kcon.cli.invocation import Invocation
from kcon.cli.topic import missing_topics
from kcon.commands.topic_insight import TopicAnalyze, TopicConsumers, TopicProducers
from kcon.core.ids import topic_name
from kcon.core.times import format_time
from kcon.core.units import format_bytes, format_rate
from kcon.core.wire_text import WireText
from kcon.services.session import Session
from kcon.services.topic_insight import SizeSpread, TopicAnalysis, analyze_topic, topic_consumers, topic_producers
from kcon.services.topics import find_topics

KEY_CHARS_MAX = 60


async def run_topic_insight(
    request: TopicAnalyze | TopicConsumers | TopicProducers, invocation: Invocation, session: Session
) -> int:
    """Execute one question about topics."""
    match request:
        case TopicAnalyze():
            return await _analyze(request, invocation, session)
        case TopicConsumers():
            return await _consumers(request, invocation, session)
        case TopicProducers():
            return await _producers(request, invocation, session)


_CONSUMER_COLUMNS = (
    Column(key="topic"),
    Column(key="group"),
    Column(key="state"),
    Column(key="members", right=True),
    Column(key="partitions", right=True),
    Column(key="lag", right=True),
)


async def _consumers(request: TopicConsumers, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await find_topics(session, invocation.names(request.names), regex=request.regex)
        told = await topic_consumers(session, [topic.name for topic in found.topics])
    items: list[Item] = [
        {
            "topic": topic,
            "group": each.group,
            "state": each.state,
            "members": each.members,
            "partitions": each.partitions,
            "lag": int64(each.lag),
        }
        for topic, groups in told.items()
        for each in groups
    ]
    return invocation.show(
        Document(
            kind="TopicConsumerList",
            context=invocation.context.name,
            columns=_CONSUMER_COLUMNS,
            items=items,
            errors=missing_topics(found.missing, found.near),
            name_key="group",
        )
    )


def _producer_columns(zone: tzinfo) -> tuple[Column, ...]:
    return (
        Column(key="topic"),
        Column(key="producer_id", right=True, show=str),
        Column(key="epoch", right=True),
        Column(key="partitions", right=True),
        Column(key="last_time", show=lambda value: format_time(value, zone) if isinstance(value, int) else str(value)),
        Column(key="open_transactions", header="OPEN TXNS", right=True),
    )


async def _producers(request: TopicProducers, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await find_topics(session, invocation.names(request.names), regex=request.regex)
        told, failed = await topic_producers(session, [topic.name for topic in found.topics])
    zone, _name = invocation.zone
    items: list[Item] = [
        {
            "topic": topic,
            "producer_id": int64(states[0].producer_id),
            "epoch": max(state.producer_epoch for state in states),
            "partitions": len(states),
            "last_time": int64(max(state.last_timestamp_ms for state in states)),
            "open_transactions": sum(state.txn_start_offset is not None for state in states),
        }
        for topic, states in told
    ]
    errors = missing_topics(found.missing, found.near)
    for where, error in failed.items():
        label = f"{where.topic}/{where.partition}"
        errors.append(ItemError(item=label, error=error.as_exception(label)))
    return invocation.show(
        Document(
            kind="TopicProducerList",
            context=invocation.context.name,
            columns=_producer_columns(zone),
            items=items,
            errors=errors,
            name_key="producer_id",
        )
    )


_ANALYSIS_COLUMNS = (
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="span", right=True),
    Column(key="disk_bytes", right=True),
    Column(key="sampled", right=True),
    Column(key="rate_per_s", right=True),
    Column(key="largest_share", right=True),
)
_KEY_COLUMNS = (Column(key="key"), Column(key="records", right=True), Column(key="share", right=True))


async def _analyze(request: TopicAnalyze, invocation: Invocation, session: Session) -> int:
    analysis = await analyze_topic(
        session, topic_name(request.name), sample=request.sample, now_ms=invocation.environment.now_ms()
    )
    zone, _name = invocation.zone
    return invocation.show(
        Document(
            kind="TopicAnalysis",
            context=invocation.context.name,
            columns=_ANALYSIS_COLUMNS,
            items=[_analysis_item(analysis)],
            blocks=_analysis_blocks(analysis, zone),
        )
    )


def _analysis_item(analysis: TopicAnalysis) -> Item:
    return {
        "name": analysis.topic.topic.name,
        "partitions": len(analysis.topic.partitions),
        "span": int64(analysis.topic.span),
        "disk_bytes": int64(analysis.disk_bytes),
        "sampled": analysis.sampled,
        "rate_per_s": analysis.rate_per_s,
        "largest_share": analysis.largest_share,
        "value_sizes": _sizes_item(analysis.value_sizes),
        "key_sizes": _sizes_item(analysis.key_sizes),
        "tombstones": analysis.tombstones,
        "without_key": analysis.without_key,
        "distinct_keys": analysis.distinct_keys,
        "top_keys": [{"key": _key_text(key), "records": count} for key, count in analysis.top_keys],
        "formats": dict(analysis.formats),
        "headers": {name.raw: count for name, count in analysis.headers.items()},
        "first_time": int64(analysis.first_ms),
        "last_time": int64(analysis.last_ms),
    }


def _sizes_item(spread: SizeSpread | None) -> Value:
    if spread is None:
        return None
    return {"min": spread.least, "median": spread.median, "p95": spread.p95, "max": spread.most}


def _key_text(key: bytes) -> WireText:
    return WireText(key.decode("utf-8", "backslashreplace")[:KEY_CHARS_MAX])


def _analysis_blocks(analysis: TopicAnalysis, zone: tzinfo) -> list[Block]:
    described = analysis.topic
    count = len(described.partitions)
    sampled = analysis.sampled or 1
    facts = [
        ("partitions", f"{count:,}"),
        ("offsets", "unknown" if described.span is None else f"{described.span:,}"),
        ("on disk", "unknown" if analysis.disk_bytes is None else format_bytes(analysis.disk_bytes)),
        ("last hour", "unknown" if analysis.rate_per_s is None else format_rate(analysis.rate_per_s)),
        ("fullest partition", _share_text(analysis.largest_share, count)),
        ("sample", f"{analysis.sampled:,} records{_span_text(analysis, zone)}"),
        ("value sizes", _spread_text(analysis.value_sizes)),
        ("key sizes", _spread_text(analysis.key_sizes)),
        ("tombstones", _part_of(analysis.tombstones, sampled)),
        ("without a key", _part_of(analysis.without_key, sampled)),
        ("distinct keys", f"{analysis.distinct_keys:,} or more" if analysis.distinct_keys else "none"),
        (
            "formats",
            ", ".join(f"{name} {_part_of(each, sampled)}" for name, each in analysis.formats.items()) or "none",
        ),
        (
            "headers",
            ", ".join(f"{name} {_part_of(each, sampled)}" for name, each in analysis.headers.items()) or "none",
        ),
    ]
    blocks = [Block(heading=f"Topic {described.topic.name}", facts=facts)]
    if analysis.top_keys:
        rows: list[Item] = [
            {"key": _key_text(key), "records": each, "share": f"{each / sampled:.1%}"}
            for key, each in analysis.top_keys
        ]
        blocks.append(Block(columns=_KEY_COLUMNS, rows=rows))
    return blocks


def _share_text(share: float | None, count: int) -> str:
    return "nothing" if share is None else f"{share:.1%} of all offsets; even would be {1 / count:.1%}"


def _span_text(analysis: TopicAnalysis, zone: tzinfo) -> str:
    if analysis.first_ms is None or analysis.last_ms is None:
        return ""
    return f", {format_time(analysis.first_ms, zone)} to {format_time(analysis.last_ms, zone)}"


def _spread_text(spread: SizeSpread | None) -> str:
    if spread is None:
        return "none"
    sizes = [format_bytes(size) for size in (spread.least, spread.median, spread.p95, spread.most)]
    return f"{sizes[0]} to {sizes[3]}; median {sizes[1]}, 95% up to {sizes[2]}"


def _part_of(count: int, total: int) -> str:
    return f"{count / total:.0%}"
