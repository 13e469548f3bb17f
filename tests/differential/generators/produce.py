"""Requests of Produce and InitProducerId."""

from collections.abc import Callable
from typing import Final

from kcon_broker.batch.records import encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.differential.generators.batches import BAD_BATCHES, GOOD_BATCHES, Recipe, records
from tests.differential.generators.draw import INT32_MAX, INT64_MAX, Draw, Makers, topic
from tests.differential.generators.transactions import init_bad_timeout, init_transactional
from tests.differential.session import Side, Step

_IDS_SINCE: Final = 13
_ZSTD_SINCE: Final = 7
_FIRST_SERVED: Final = 3


def _send(
    draw: Draw,
    label: str,
    parts: list[tuple[str, int, bytes | Callable[[Side], bytes]]],
    *,
    acks: int | None = None,
    **options: object,
) -> Step | None:
    """Append batches to (topic, partition)s; the label says what is special."""
    if draw.version < _FIRST_SERVED:
        # Advertised, yet refused: the connection is closed, whatever the body.
        return draw.step(label, lambda _: b"\0" * 20, connection="malformed") if draw.kind == "invalid" else None
    wanted_acks = draw.pick(-1, -1, 1) if acks is None else acks

    def build(side: Side) -> ProduceRequest:
        topics: dict[str, TopicProduceData] = {}
        for name, partition, content in parts:
            data = topics.setdefault(name, TopicProduceData(name=name, topic_id=side.topic_id(name), partition_data=[]))
            made = content(side) if callable(content) else content
            data.partition_data.append(PartitionProduceData(index=partition, records=made))
        return ProduceRequest(acks=wanted_acks, timeout_ms=10_000, topic_data=list(topics.values()))

    return draw.step(label, build, **options)


def _recipe(draw: Draw, recipes: dict[str, Recipe], shared: tuple[str, ...]) -> Step | None:
    name = draw.pick(*recipes)
    codec = draw.pick(0, 0, 1, 2, 3, 4)
    if codec == 4 and draw.version < _ZSTD_SINCE and draw.kind == "valid":
        codec = 3
    target = draw.shared(draw.pick(*shared))
    batch = recipes[name](draw.base_ms, codec)
    partition = draw.pick(0, 2) if target.endswith("plain") else 0
    return _send(draw, f"{name}, codec {codec}, to {target}-{partition}", [(target, partition, batch)])


def _good_batch(draw: Draw) -> Step | None:
    return _recipe(draw, GOOD_BATCHES, ("plain", "append", "compact", "zstd"))


def _bad_batch(draw: Draw) -> Step | None:
    return _recipe(draw, BAD_BATCHES, ("plain", "plain", "append", "compact", "zstd"))


def _zstd_too_early(draw: Draw) -> Step | None:
    if not _FIRST_SERVED <= draw.version < _ZSTD_SINCE:
        return None
    return _send(draw, "zstd", [(draw.shared("plain"), 0, GOOD_BATCHES["plain"](draw.base_ms, 4))])


def _too_large(draw: Draw) -> Step | None:
    codec = draw.pick(0, 1)
    batch = bytes(encode_batch(records(draw.base_ms, draw.rng.randint(20, 40)), codec=codec))
    return _send(draw, f"{len(batch)} bytes, codec {codec}", [(draw.shared("small"), 0, batch)])


def _too_old(draw: Draw) -> Step | None:
    return _send(draw, "too old", [(draw.shared("strict"), 0, GOOD_BATCHES["plain"](draw.base_ms, draw.pick(0, 1)))])


def _several(draw: Draw) -> Step | None:
    batch = GOOD_BATCHES["plain"](draw.base_ms, 0)
    places = [("plain", 0), ("plain", 2), ("append", 0), ("compact", 0)]
    return _send(draw, "several", [(draw.shared(name), index, batch) for name, index in draw.some(places, least=2)])


def _good_and_bad(draw: Draw) -> Step | None:
    good, bad = GOOD_BATCHES["plain"](draw.base_ms, 0), BAD_BATCHES["magic 1"](draw.base_ms, 0)
    return _send(draw, "good and bad", [(draw.shared("plain"), 0, good), (draw.shared("plain"), 2, bad)])


def _no_answer(draw: Draw) -> Step | None:
    batch = GOOD_BATCHES["plain"](draw.base_ms, 0)
    return _send(draw, "acks 0", [(draw.shared("plain"), 0, batch)], acks=0, no_answer=True)


def _no_answer_and_bad(draw: Draw) -> Step | None:
    batch = BAD_BATCHES["a wrong checksum"](draw.base_ms, 0)
    return _send(draw, "acks 0, bad", [(draw.shared("plain"), 0, batch)], acks=0, no_answer=True, connection="acks 0")


def _bad_acks(draw: Draw) -> Step | None:
    batch = GOOD_BATCHES["plain"](draw.base_ms, 0)
    acks = draw.pick(2, -2, 32_767, -32_768)
    return _send(draw, f"acks {acks}", [(draw.shared("plain"), 0, batch)], acks=acks)


def _no_such_place(draw: Draw) -> Step | None:
    batch = GOOD_BATCHES["plain"](draw.base_ms, 0)
    places = [(draw.fresh("missing"), 0), (draw.shared("plain"), 3), (draw.shared("plain"), -1)]
    if draw.version < _IDS_SINCE:
        places += [("", 0), ("a b", 0), ("__consumer_offsets", 0)]
    place = draw.pick(*places)
    return _send(draw, f"to {place}", [(*place, batch), (draw.shared("plain"), 2, batch)])


def _one_partition_twice(draw: Draw) -> Step | None:
    batch = GOOD_BATCHES["plain"](draw.base_ms, 0)
    return _send(draw, "one partition twice", [(draw.shared("plain"), 2, batch), (draw.shared("plain"), 2, batch)])


def _transactional_id(draw: Draw) -> Step | None:
    if draw.version < _FIRST_SERVED:
        return None
    batch = GOOD_BATCHES["plain"](draw.base_ms, 0)
    name = draw.shared("plain")
    data = [PartitionProduceData(index=0, records=batch)]
    return draw.step(
        "a transactional id, and no transaction",
        lambda side: ProduceRequest(
            transactional_id="t",
            acks=-1,
            timeout_ms=10_000,
            topic_data=[TopicProduceData(name=name, topic_id=side.topic_id(name), partition_data=data)],
        ),
    )


# Idempotent producers


def _sequence(draw: Draw, moves: list[tuple[int, int]], label: str) -> Step | None:
    """Send batches of three records with these (epoch, first sequence), all but the last as a preparation."""
    if draw.version < _FIRST_SERVED:
        return None
    target, producer = draw.fresh("sequenced"), draw.fresh("producer")

    def learn(side: Side, answer: InitProducerIdResponse) -> None:
        side.learn(producer, answer.producer_id)

    def make(epoch: int, sequence: int) -> Callable[[Side], bytes]:
        return lambda side: bytes(
            encode_batch(
                records(draw.base_ms),
                producer_id=side.values[producer],
                producer_epoch=epoch,
                base_sequence=sequence,
            )
        )

    before = [
        draw.other(
            ApiKey.INIT_PRODUCER_ID,
            4,
            "a producer id",
            lambda _: InitProducerIdRequest(
                transactional_id=None, transaction_timeout_ms=INT32_MAX, producer_id=-1, producer_epoch=-1
            ),
            learn=learn,
        )
    ]
    last: Step | None = None
    for epoch, sequence in moves:
        if last is not None:
            before.append(last)
        last = _send(draw, f"{label} {moves}", [(target, 0, make(epoch, sequence))], acks=-1)
        assert last is not None
        last.kind = ""
    assert last is not None
    last.kind, last.before, last.topics = draw.kind, before, [topic(target)]
    return last


def _in_sequence(draw: Draw) -> Step | None:
    first = draw.pick(0, 0, 7, INT32_MAX - 3)
    second = (first + 3) & INT32_MAX
    moves = draw.pick(
        [(0, first)],
        [(0, first), (0, second)],
        [(0, first), (0, first)],
        [(0, first), (0, second), (0, first)],
        [(0, first), (1, 0)],
        [(5, first), (5, second), (6, 0), (6, 3)],
    )
    return _sequence(draw, moves, "in sequence")


def _out_of_sequence(draw: Draw) -> Step | None:
    moves = draw.pick(
        [(0, 0), (0, 4)],
        [(0, 0), (0, 2)],
        [(0, 5), (0, 0)],
        [(1, 0), (0, 3)],
        [(0, 0), (1, 3)],
        [(0, 0), *((0, 3 * index) for index in range(1, 7)), (0, 0)],
        [(0, -1)],
        [(-1, 0)],
    )
    return _sequence(draw, moves, "out of sequence")


# InitProducerId


def _init(draw: Draw, producer_id: int = -1, epoch: int = -1, timeout_ms: int = 60_000) -> Step:
    return draw.step(
        f"producer {producer_id}, epoch {epoch}, timeout {timeout_ms}",
        lambda _: InitProducerIdRequest(
            transactional_id=None, transaction_timeout_ms=timeout_ms, producer_id=producer_id, producer_epoch=epoch
        ),
    )


def _init_new(draw: Draw) -> Step:
    return _init(draw, timeout_ms=draw.pick(60_000, 0, -1, INT32_MAX))


def _init_known(draw: Draw) -> Step | None:
    if draw.version < 3:
        return None
    return _init(draw, draw.pick(0, 5, INT64_MAX), draw.pick(0, 1, 32_767))


def _init_half(draw: Draw) -> Step | None:
    if draw.version < 3:
        return None
    return _init(draw, *draw.pick((-1, 0), (5, -1), (-2, 0), (-2, -1), (5, -2)))


def _init_empty_id(draw: Draw) -> Step:
    return draw.step("an empty transactional id", lambda _: InitProducerIdRequest(transactional_id=""))


MAKERS: Final = {
    ApiKey.PRODUCE: Makers(
        (_good_batch, _several, _in_sequence, _no_answer, _good_batch),
        (
            _bad_batch,
            _no_such_place,
            _bad_batch,
            _out_of_sequence,
            _bad_acks,
            _bad_batch,
            _too_large,
            _good_and_bad,
            _too_old,
            _bad_batch,
            _no_answer_and_bad,
            _zstd_too_early,
            _one_partition_twice,
            _transactional_id,
        ),
    ),
    ApiKey.INIT_PRODUCER_ID: Makers(
        (_init_new, init_transactional, _init_known), (_init_half, _init_empty_id, init_bad_timeout)
    ),
}
