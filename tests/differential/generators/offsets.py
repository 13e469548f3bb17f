"""Requests about places in logs: ListOffsets, DeleteRecords, OffsetForLeaderEpoch."""

from typing import Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kcon_broker.wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from kcon_broker.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.differential.generators.dataset import batch, produce
from tests.differential.generators.draw import INT32_MAX, INT64_MAX, Draw, Makers, topic
from tests.differential.session import Step

# ListOffsets


def _list(
    draw: Draw,
    label: str,
    wishes: list[tuple[str, int, int]],
    *,
    current_epoch: int = -1,
    isolation_level: int | None = None,
    **options: object,
) -> Step:
    """Ask (topic, partition, time)s."""
    isolation = draw.pick(0, 1) if isolation_level is None else isolation_level
    topics: dict[str, ListOffsetsTopic] = {}
    for name, index, time_ms in wishes:
        wanted = topics.setdefault(name, ListOffsetsTopic(name=name, partitions=[]))
        wanted.partitions.append(
            ListOffsetsPartition(partition_index=index, timestamp=time_ms, current_leader_epoch=current_epoch)
        )
    return draw.step(
        f"{label}, isolation {isolation}",
        lambda _: ListOffsetsRequest(
            replica_id=-1, isolation_level=isolation, topics=list(topics.values()), timeout_ms=10_000
        ),
        **options,
    )


def _list_ends(draw: Draw) -> Step:
    time_ms = draw.pick(-1, -2)
    return _list(draw, f"{time_ms}", [(draw.shared("plain"), index, time_ms) for index in range(3)])


def _list_by_time(draw: Draw) -> Step:
    since_ms = draw.base_ms + draw.pick(
        -1_000_000, -1, 0, 1, 2, 3, 499, 500, 501, 999, 1_000, 1_003, 1_004, 2_001, 9_999
    )
    place = draw.pick(("plain", 0), ("plain", 1), ("plain", 2), ("compact", 0), ("zstd", 0))
    return _list(draw, f"{place} since {since_ms - draw.base_ms:+}", [(draw.shared(place[0]), place[1], since_ms)])


def _list_special(draw: Draw) -> Step | None:
    known = [place for place, since in ((-3, 7), (-4, 8), (-5, 9), (-6, 11)) if draw.version >= since]
    if not known:
        return None
    time_ms = draw.pick(*known)
    return _list(draw, f"{time_ms}", [(draw.shared("plain"), index, time_ms) for index in range(3)])


def _list_append_time(draw: Draw) -> Step:
    time_ms = draw.pick(0, draw.base_ms)
    return _list(draw, f"since {time_ms}", [(draw.shared("append"), 0, time_ms)], situations=frozenset({"append time"}))


def _list_known_epoch(draw: Draw) -> Step:
    return _list(draw, "with the epoch", [(draw.shared("plain"), 0, draw.pick(-1, -2, draw.base_ms))], current_epoch=0)


def _list_unknown_special(draw: Draw) -> Step:
    time_ms = draw.pick(-3, -4, -5, -6, -7, -100, -INT64_MAX, -INT64_MAX - 1)
    return _list(draw, f"{time_ms}", [(draw.shared("plain"), 0, time_ms)])


def _list_missing(draw: Draw) -> Step:
    place = draw.pick((draw.fresh("missing"), 0), (draw.shared("plain"), 3), (draw.shared("plain"), -1), ("", 0))
    return _list(draw, f"{place}", [(*place, -1), (draw.shared("plain"), 0, -1)])


def _list_twice(draw: Draw) -> Step:
    return _list(draw, "twice", [(draw.shared("plain"), 0, -1), (draw.shared("plain"), 0, draw.pick(-1, -2))])


def _list_other_epoch(draw: Draw) -> Step:
    epoch = draw.pick(1, 5, INT32_MAX, -2)
    return _list(draw, f"epoch {epoch}", [(draw.shared("plain"), 0, -1)], current_epoch=epoch)


def _list_far(draw: Draw) -> Step:
    return _list(draw, "the end of time", [(draw.shared("plain"), 0, draw.pick(INT64_MAX, INT64_MAX - 1))])


def _list_bad_isolation(draw: Draw) -> Step | None:
    if draw.version < 2:
        return None
    return _list(draw, "", [(draw.shared("plain"), 0, -1)], isolation_level=draw.pick(2, -1, 127))


# DeleteRecords


def _delete(draw: Draw, label: str, wishes: list[tuple[str, int, int]], **options: object) -> Step:
    """Delete what is before (topic, partition, offset)s."""
    topics: dict[str, DeleteRecordsTopic] = {}
    for name, index, offset in wishes:
        wanted = topics.setdefault(name, DeleteRecordsTopic(name=name, partitions=[]))
        wanted.partitions.append(DeleteRecordsPartition(partition_index=index, offset=offset))
    return draw.step(label, lambda _: DeleteRecordsRequest(topics=list(topics.values()), timeout_ms=10_000), **options)


def _end(draw: Draw, name: str, time_ms: int) -> Step:
    """Return the step that shows where a log starts (-2) or ends (-1)."""
    wanted = ListOffsetsTopic(name=name, partitions=[ListOffsetsPartition(timestamp=time_ms)])
    request = ListOffsetsRequest(replica_id=-1, topics=[wanted])
    return draw.other(ApiKey.LIST_OFFSETS, 7, f"the offset of {time_ms}", lambda _: request)


def _filled(draw: Draw, label: str, offsets: list[int]) -> Step:
    """Delete before each of these offsets of a partition with two batches of three records."""
    name = draw.fresh("trimmed")
    before = [produce(name, 0, batch(draw.base_ms, 3)), produce(name, 0, batch(draw.base_ms + 5, 3))]
    for offset in offsets[:-1]:
        earlier = _delete(draw, f"before {offset}", [(name, 0, offset)])
        earlier.kind = ""
        before.append(earlier)
    step = _delete(draw, f"{label} {offsets}", [(name, 0, offsets[-1])], before=before, topics=[topic(name)])
    step.after = [_end(draw, name, -2), _end(draw, name, -1)]
    return step


def _delete_some(draw: Draw) -> Step:
    return _filled(draw, "before", draw.pick([0], [1], [3], [4], [6], [-1], [2, 5], [5, 2], [-1, -1]))


def _delete_nothing(draw: Draw) -> Step:
    return _delete(draw, "nothing", [])


def _delete_from_empty(draw: Draw) -> Step:
    return _delete(draw, "an empty partition", [(draw.shared("plain"), 2, draw.pick(0, -1))])


def _delete_beyond(draw: Draw) -> Step:
    return _filled(draw, "beyond", draw.pick([7], [INT64_MAX], [-2], [-INT64_MAX], [6, 7]))


def _delete_missing(draw: Draw) -> Step:
    place = draw.pick((draw.fresh("missing"), 0), (draw.shared("plain"), 3), (draw.shared("plain"), -1), ("", 0))
    return _delete(draw, f"{place}", [(*place, 0), (draw.shared("plain"), 1, 2)])


def _delete_compacted(draw: Draw) -> Step:
    return _delete(draw, "of a compacted topic", [(draw.shared("compact"), 0, draw.pick(0, 1, -1))])


def _delete_internal(draw: Draw) -> Step:
    return _delete(draw, "of an internal topic", [("__consumer_offsets", draw.pick(0, 100), 0)])


def _delete_twice(draw: Draw) -> Step:
    name = draw.shared("plain")
    return _delete(draw, "twice", [(name, 1, 2), (name, 1, draw.pick(2, 3, 100))])


# OffsetForLeaderEpoch


def _epoch_end(
    draw: Draw, label: str, wishes: list[tuple[str, int, int]], *, current_epoch: int = -1, replica_id: int = -1
) -> Step:
    """Ask where (topic, partition, epoch)s ended."""
    topics: dict[str, OffsetForLeaderTopic] = {}
    for name, index, epoch in wishes:
        wanted = topics.setdefault(name, OffsetForLeaderTopic(topic=name, partitions=[]))
        wanted.partitions.append(
            OffsetForLeaderPartition(partition=index, leader_epoch=epoch, current_leader_epoch=current_epoch)
        )
    return draw.step(label, lambda _: OffsetForLeaderEpochRequest(replica_id=replica_id, topics=list(topics.values())))


def _epoch_known(draw: Draw) -> Step:
    return _epoch_end(draw, "epoch 0", [(draw.shared("plain"), index, 0) for index in draw.some([0, 1, 2])])


def _epoch_checked(draw: Draw) -> Step:
    return _epoch_end(draw, "epoch 0 now", [(draw.shared("plain"), draw.pick(0, 1, 2), 0)], current_epoch=0)


def _epoch_unknown(draw: Draw) -> Step:
    epoch = draw.pick(1, 5, INT32_MAX, -1, -2)
    return _epoch_end(draw, f"epoch {epoch}", [(draw.shared("plain"), draw.pick(0, 1, 2), epoch)])


def _epoch_fenced(draw: Draw) -> Step:
    current = draw.pick(1, INT32_MAX, -2)
    return _epoch_end(draw, f"current epoch {current}", [(draw.shared("plain"), 0, 0)], current_epoch=current)


def _epoch_missing(draw: Draw) -> Step:
    place = draw.pick((draw.fresh("missing"), 0), (draw.shared("plain"), 3), (draw.shared("plain"), -1), ("", 0))
    return _epoch_end(draw, f"{place}", [(*place, 0), (draw.shared("plain"), 0, 0)])


def _epoch_twice(draw: Draw) -> Step:
    return _epoch_end(draw, "twice", [(draw.shared("plain"), 0, 0), (draw.shared("plain"), 0, draw.pick(0, 1))])


MAKERS: Final = {
    ApiKey.LIST_OFFSETS: Makers(
        (_list_ends, _list_by_time, _list_special, _list_append_time, _list_known_epoch),
        (_list_unknown_special, _list_missing, _list_twice, _list_other_epoch, _list_far, _list_bad_isolation),
    ),
    ApiKey.DELETE_RECORDS: Makers(
        (_delete_some, _delete_nothing, _delete_from_empty),
        (_delete_beyond, _delete_missing, _delete_compacted, _delete_internal, _delete_twice),
    ),
    ApiKey.OFFSET_FOR_LEADER_EPOCH: Makers(
        (_epoch_known, _epoch_checked), (_epoch_unknown, _epoch_fenced, _epoch_missing, _epoch_twice)
    ),
}
