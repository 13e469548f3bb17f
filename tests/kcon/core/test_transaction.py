"""Which transactions hang (KIP-664)."""

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.transaction import ProducerState, TransactionDescription, find_hanging
from kcon.core.wire_text import WireText

HERE = TopicPartition(topic_name("orders"), 0)
ELSEWHERE = TopicPartition(topic_name("orders"), 1)


def producer(*, start: int | None = 5, last_ms: int = 0, epoch: int = 1) -> ProducerState:
    return ProducerState(HERE, 7, epoch, 3, last_ms, 0, start)


def known(*partitions: TopicPartition, epoch: int = 1) -> dict[int, TransactionDescription]:
    return {7: TransactionDescription(WireText("t"), "Ongoing", 7, epoch, 60_000, 0, partitions, 1)}


@pytest.mark.parametrize(
    ("state", "transactions", "hangs"),
    [
        (producer(), {}, True),
        (producer(), known(ELSEWHERE), True),
        (producer(), known(HERE, epoch=2), True),
        (producer(), known(HERE), False),
        (producer(start=None), {}, False),
        (producer(last_ms=1_000), {}, False),
        (producer(last_ms=999), {}, True),
    ],
)
def test_hanging(state: ProducerState, transactions: dict[int, TransactionDescription], hangs: bool) -> None:
    assert bool(find_hanging([state], transactions, now_ms=2_000, older_than_ms=1_001)) is hangs
