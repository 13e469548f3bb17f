"""`kcon du` as people and scripts see it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kcon.core.broker_facts import LogDir, ReplicaSize
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.wire_text import WireText
from kcon.observe.history_keys import LOOK, SeriesKey
from kcon.observe.history_reader import HistoryReader
from kcon.observe.rings import Series
from tests.kcon.conftest import NOW_MS, FakeCluster
from tests.kcon.observe.watched import Watched


@pytest.fixture
def sized(orders: FakeCluster) -> FakeCluster:
    """Return the cluster with 3 MiB of orders and 1 MiB of clicks on one volume."""
    sizes = {("orders", 0): 2 << 20, ("orders", 2): 1 << 20, ("clicks", 0): 1 << 20}
    replicas = tuple(ReplicaSize(TopicPartition(topic_name(t), p), size, 0, False) for (t, p), size in sizes.items())
    orders.answers["log_dirs"] = {1: (LogDir(WireText("/data"), None, 100 << 20, 10 << 20, replicas),)}
    return orders


def test_a_person_sees_bars_and_the_volumes(kcon: Any, sized: FakeCluster) -> None:
    kcon.terminal = True
    ran = kcon("du")
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        "TOPIC       SIZE  SHARE",
        "orders  3.00 MiB    75%  ████████████",
        "clicks  1.00 MiB    25%  ████",
    ]
    assert ran.err == "kcon: Broker 1, /data: 4.00 MiB of Kafka's, 10.0 MiB of 100 MiB free.\n"


def test_a_script_gets_bytes(kcon: Any, sized: FakeCluster) -> None:
    assert kcon.lines("du", "--by", "partition", "orders", "--columns", "topic,partition,size_bytes") == [
        "topic\tpartition\tsize_bytes",
        "orders\t0\t2097152",
        "orders\t2\t1048576",
    ]


def test_a_retention_is_tried_without_a_change(kcon: Any, sized: FakeCluster) -> None:
    """Record n of a topic is 1,000 - n seconds old: a retention of 950 s takes the first 50 of 100 in orders/0."""
    (item,) = json.loads(kcon("du", "orders", "--retention", "950s", "-o", "json").out)["items"]
    assert item["reclaimable"] == [{"retention_ms": 950_000, "size_bytes": (1 << 20) + (1 << 20)}]
    assert sized.mutations == []


def test_volumes_tell_growth_when_they_are_watched(kcon: Any, sized: FakeCluster) -> None:
    (item,) = json.loads(kcon("du", "--by", "broker", "--for", "20ms", "-o", "json").out)["items"]
    assert (item["broker"], item["growth_bytes_per_s"], item["full_in_ms"]) == (1, 0.0, None)
    (item,) = json.loads(kcon("du", "--by", "broker", "-o", "json").out)["items"]
    assert item["growth_bytes_per_s"] is None


def test_a_broker_that_refuses_and_a_topic_that_is_not_there_are_errors(kcon: Any, sized: FakeCluster) -> None:
    sized.answers["log_dirs"] = {**sized.answers["log_dirs"], 2: kafka_error(31)}
    ran = kcon("du", "orders", "nope", "-o", "json")
    assert [error["item"] for error in json.loads(ran.out)["errors"]] == ["broker 2", "topic nope"]
    assert ran.code == 1
    assert kcon("du", "--by", "broker", "orders").code == 2


def test_growth_is_that_of_the_last_day_where_there_is_history(
    kcon: Any, sized: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read at a look is recorded with the next one: a mebibyte from the second look to the last, 910 s."""
    watched = Watched(sized, tmp_path / "state" / "history")
    watched.now_ms = NOW_MS - 1_810_000

    def dirs(orders: int, usable: int) -> dict[int, tuple[LogDir, ...]]:
        replicas = (ReplicaSize(TopicPartition(topic_name("orders"), 0), orders << 20, 0, False),)
        return {1: (LogDir(WireText("/data"), None, 100 << 20, usable << 20, replicas),)}

    async def main() -> None:
        for step in range(5):
            sized.answers["log_dirs"] = dirs(2 + step // 4, 11 - step // 4)
            await watched.look(10_000 if step == 0 else 300_000)
        await watched.look(10_000)
        await watched.recording.close()

    asyncio.run(main())
    read: list[SeriesKey] = []
    series = HistoryReader.series

    def noted(reader: HistoryReader, key: SeriesKey, since_ms: int, until_ms: int) -> Series:
        read.append(key)
        return series(reader, key, since_ms, until_ms)

    monkeypatch.setattr(HistoryReader, "series", noted)
    (volume,) = json.loads(kcon("du", "--by", "broker", "-o", "json").out)["items"]
    assert volume["growth_bytes_per_s"] == pytest.approx((1 << 20) / 910, rel=0.05)
    assert [key.kind for key in read] == [LOOK], "a series for each of 10,000 topics took minutes"
    assert volume["full_in_ms"] == pytest.approx(10 * 910_000, rel=0.05)
    (topic,) = json.loads(kcon("du", "-o", "json").out)["items"]
    assert topic["growth_bytes_per_s"] == pytest.approx((1 << 20) / 910, rel=0.05)
    kcon.terminal = True
    assert "Growth is that of the last 15m" in kcon("du").err
