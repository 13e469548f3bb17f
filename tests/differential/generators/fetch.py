"""Requests of Fetch: places, limits, epochs, sessions."""

from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
)
from tests.differential.generators.dataset import PLAIN_RECORDS, batch, produce
from tests.differential.generators.draw import INT32_MAX, INT64_MAX, Draw, Makers, topic
from tests.differential.session import Side, Step

_SESSIONS_SINCE: Final = 7
_EPOCH_SINCE: Final = 9
_FETCHED_EPOCH_SINCE: Final = 12
_IDS_SINCE: Final = 13
_MIB: Final = 1 << 20
_NO_SESSION: Final = -1

Wish = tuple[str, int, int]
"""Topic, partition, offset."""


def _fetch(
    draw: Draw,
    label: str,
    wishes: list[Wish],
    *,
    max_bytes: int = _MIB,
    partition_max_bytes: int = _MIB,
    min_bytes: int = 1,
    max_wait_ms: int = 0,
    isolation_level: int | None = None,
    current_epoch: int = -1,
    fetched_epoch: int = -1,
    session: str | None = None,
    session_epoch: int = _NO_SESSION,
    forgotten: tuple[tuple[str, int], ...] = (),
    **options: object,
) -> Step:
    isolation = draw.pick(0, 1) if isolation_level is None else isolation_level

    def build(side: Side) -> FetchRequest:
        topics: dict[str, FetchTopic] = {}
        for name, index, offset in wishes:
            wanted = topics.setdefault(name, FetchTopic(topic=name, topic_id=side.topic_id(name), partitions=[]))
            wanted.partitions.append(
                FetchPartition(
                    partition=index,
                    fetch_offset=offset,
                    partition_max_bytes=partition_max_bytes,
                    current_leader_epoch=current_epoch,
                    last_fetched_epoch=fetched_epoch,
                )
            )
        return FetchRequest(
            replica_id=-1,
            max_wait_ms=max_wait_ms,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            isolation_level=isolation,
            session_id=side.values.get(session, 0) if session is not None else 0,
            session_epoch=session_epoch,
            topics=list(topics.values()),
            forgotten_topics_data=[
                ForgottenTopic(topic=name, topic_id=side.topic_id(name), partitions=[index])
                for name, index in forgotten
            ],
        )

    return draw.step(f"{label}, isolation {isolation}", build, **options)


def _at_offset(draw: Draw) -> Step:
    offset = draw.rng.randint(0, PLAIN_RECORDS)
    return _fetch(draw, f"from {offset}", [(draw.shared("plain"), 0, offset)])


def _several(draw: Draw) -> Step:
    places: list[Wish] = [("plain", 0, 0), ("plain", 1, 2), ("plain", 2, 0), ("compact", 0, 0), ("zstd", 0, 0)]
    return _fetch(draw, "several", [(draw.shared(name), *place) for name, *place in draw.some(places, least=2)])  # type: ignore[misc]  # A Wish again.


def _append_time(draw: Draw) -> Step:
    return _fetch(
        draw, "append time", [(draw.shared("append"), 0, draw.pick(0, 2))], situations=frozenset({"append time"})
    )


def _small_limits(draw: Draw) -> Step:
    limits: dict[str, Any] = {
        "max_bytes": draw.pick(1, 0, 100, 200, 400),
        "partition_max_bytes": draw.pick(1, 0, 150, 300, _MIB),
    }
    # Of one partition: what a batch cut by a limit takes from the next partition is a difference by choice.
    return _fetch(draw, f"{limits}", [(draw.shared("plain"), 0, draw.pick(0, 4))], **limits)


def _waits(draw: Draw) -> Step:
    return _fetch(
        draw, "waits at the end", [(draw.shared("plain"), 2, 0)], max_wait_ms=draw.rng.randint(5, 30), min_bytes=1
    )


def _known_epoch(draw: Draw) -> Step | None:
    if draw.version < _EPOCH_SINCE:
        return None
    return _fetch(draw, "epoch 0", [(draw.shared("plain"), 0, 3)], current_epoch=0, fetched_epoch=draw.pick(-1, 0))


def _nothing(draw: Draw) -> Step:
    return _fetch(draw, "nothing", [])


def _out_of_range(draw: Draw) -> Step:
    place = draw.pick(("plain", 0, 13), ("plain", 0, INT64_MAX), ("plain", 1, 0), ("plain", 1, 1), ("plain", 2, 1))
    name, index, offset = place
    return _fetch(draw, f"{place}", [(draw.shared(name), index, offset), (draw.shared("plain"), 0, 0)])


def _negative_offset(draw: Draw) -> Step:
    return _fetch(draw, "", [(draw.shared("plain"), 0, draw.pick(-1, -2, -INT64_MAX))])


def _missing(draw: Draw) -> Step:
    place = draw.pick((draw.fresh("missing"), 0), (draw.shared("plain"), 3), (draw.shared("plain"), -1))
    return _fetch(draw, f"{place}", [(*place, 0), (draw.shared("plain"), 0, 0)])


def _other_epoch(draw: Draw) -> Step | None:
    if draw.version < _EPOCH_SINCE:
        return None
    epoch = draw.pick(1, INT32_MAX, -2)
    return _fetch(draw, f"epoch {epoch}", [(draw.shared("plain"), 0, 0)], current_epoch=epoch)


def _other_fetched_epoch(draw: Draw) -> Step | None:
    if draw.version < _FETCHED_EPOCH_SINCE:
        return None
    epoch = draw.pick(1, 7, INT32_MAX, -2)
    return _fetch(draw, f"fetched epoch {epoch}", [(draw.shared("plain"), 0, draw.pick(0, 5, 12))], fetched_epoch=epoch)


def _twice(draw: Draw) -> Step:
    return _fetch(draw, "twice", [(draw.shared("plain"), 0, 0), (draw.shared("plain"), 0, 3)])


def _bad_limits(draw: Draw) -> Step:
    limits: dict[str, Any] = {
        "max_bytes": draw.pick(-1, _MIB, -INT32_MAX),
        "partition_max_bytes": draw.pick(-1, _MIB, -INT32_MAX),
        "min_bytes": draw.pick(-1, 0, 1),
    }
    return _fetch(draw, f"{limits}", [(draw.shared("plain"), 0, 0)], **limits)


def _bad_isolation(draw: Draw) -> Step:
    return _fetch(draw, "", [(draw.shared("plain"), 0, 0)], isolation_level=draw.pick(2, -1, 127))


# Sessions


def _learn_session(name: str) -> object:
    def learn(side: Side, answer: FetchResponse) -> None:
        side.values[name] = answer.session_id

    return learn


def _session(draw: Draw, label: str, moves: list[Step]) -> Step:
    for move in moves:
        move.kind = ""
    *before, last = moves
    last.label, last.kind, last.before = label, draw.kind, before
    return last


def _incremental(draw: Draw) -> Step | None:
    if draw.version < _SESSIONS_SINCE:
        return None
    name, target = draw.fresh("session"), draw.fresh("followed")
    first = _fetch(draw, "full", [(target, 0, 0), (target, 1, 0)], session_epoch=0, learn=_learn_session(name))
    moves = [
        first,
        _fetch(draw, "nothing new", [], session=name, session_epoch=1),
        produce(target, 1, batch(draw.base_ms, 2)),
        _fetch(draw, "news", [], session=name, session_epoch=2),
        _fetch(draw, "moved on", [(target, 1, 2)], session=name, session_epoch=3),
        draw.pick(
            _fetch(draw, "forgets", [], session=name, session_epoch=4, forgotten=((target, 1),)),
            _fetch(draw, "one more", [(target, 2, 0)], session=name, session_epoch=4),
            _fetch(draw, "back", [(target, 1, 0)], session=name, session_epoch=4),
            _fetch(draw, "beyond", [(target, 1, 9)], session=name, session_epoch=4),
        ),
        _fetch(draw, "after it", [], session=name, session_epoch=5),
    ]
    step = _session(draw, f"a session: {moves[-2].label}", moves)
    step.topics = [topic(target, 3)]
    return step


def _closed_session(draw: Draw) -> Step | None:
    if draw.version < _SESSIONS_SINCE:
        return None
    name, target = draw.fresh("session"), draw.shared("plain")
    moves = [
        _fetch(draw, "full", [(target, 2, 0)], session_epoch=0, learn=_learn_session(name)),
        _fetch(draw, "ends", [(target, 2, 0)], session=name, session_epoch=-1),
        _fetch(draw, "after the end", [], session=name, session_epoch=1),
    ]
    return _session(draw, "a session after its end", moves)


def _wrong_session_epoch(draw: Draw) -> Step | None:
    if draw.version < _SESSIONS_SINCE:
        return None
    name, target = draw.fresh("session"), draw.shared("plain")
    epoch = draw.pick(2, 5, INT32_MAX)
    moves = [
        _fetch(draw, "full", [(target, 2, 0)], session_epoch=0, learn=_learn_session(name)),
        _fetch(draw, "wrong", [], session=name, session_epoch=epoch),
    ]
    return _session(draw, f"session epoch {epoch}", moves)


def _unknown_session(draw: Draw) -> Step | None:
    if draw.version < _SESSIONS_SINCE:
        return None
    step = _fetch(draw, "an unknown session", [(draw.shared("plain"), 2, 0)], session_epoch=draw.pick(1, 7))
    build = step.build
    session_id = draw.pick(12_345, -1)

    def with_session(side: Side) -> FetchRequest:
        request = build(side)
        assert isinstance(request, FetchRequest)
        request.session_id = session_id
        return request

    step.build = with_session
    return step


MAKERS: Final = {
    ApiKey.FETCH: Makers(
        (_at_offset, _several, _incremental, _small_limits, _append_time, _waits, _known_epoch, _nothing),
        (
            _out_of_range,
            _missing,
            _other_epoch,
            _wrong_session_epoch,
            _other_fetched_epoch,
            _unknown_session,
            _closed_session,
            _negative_offset,
            _twice,
            _bad_limits,
            _bad_isolation,
        ),
    )
}
