"""The time of a record from the header of its batch, on live brokers and on bytes."""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from kcon.admin.client import Admin
from kcon.admin.probes import read_batch_header
from kcon.admin.settings import AdminSettings
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.time_lag import Probe

T0_MS = 1_700_000_000_000


def header(*, magic: int = 2, attributes: int = 0, base: int = 40, delta: int = 9, width_ms: int = 900) -> bytes:
    return struct.pack(">qiibIhiqq", base, 49, 3, magic, 0, attributes, delta, T0_MS, T0_MS + width_ms)


def test_a_header_tells_the_offsets_and_times_of_its_batch() -> None:
    assert read_batch_header(header(), 45) == Probe(
        asked_offset=45,
        base_offset=40,
        last_offset=49,
        base_timestamp_ms=T0_MS,
        max_timestamp_ms=T0_MS + 900,
    )


def test_with_append_time_all_records_have_the_time_of_the_append() -> None:
    probe = read_batch_header(header(attributes=0x08), 45)
    assert probe is not None
    assert (probe.timestamp_ms, probe.error_ms) == (T0_MS + 900, 0)


def test_an_old_message_has_a_time_since_magic_1() -> None:
    old = struct.pack(">qiIbbq", 7, 22, 0, 1, 0, T0_MS) + b"rest"
    probe = read_batch_header(old, 7)
    assert probe is not None
    assert (probe.base_offset, probe.timestamp_ms) == (7, T0_MS)
    assert read_batch_header(old[:16] + b"\0" + old[17:], 7) is None


@pytest.mark.parametrize("length", [0, 16, 42])
def test_half_a_header_tells_nothing(length: int) -> None:
    assert read_batch_header(header()[:length], 45) is None


def test_a_whole_header_and_no_more_suffices() -> None:
    assert len(header()) == 43
    assert read_batch_header(header(), 45) is not None


@pytest.mark.parametrize("magic", [-1, 3, 127])
def test_an_unknown_magic_tells_nothing(magic: int) -> None:
    assert read_batch_header(header(magic=magic), 45) is None


def test_live_brokers_tell_the_time_at_an_offset(cluster: Any, unique: Callable[[str], str]) -> None:
    topic = topic_name(unique("probe"))
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})
    for number in range(3):
        producer.produce(topic.raw, b"x" * 2_000, partition=0, timestamp=T0_MS + number * 1_000)
        assert producer.flush(20) == 0  # A batch of its own for each.
    where = TopicPartition(topic, 0)
    missing = TopicPartition(topic_name(unique("missing")), 0)

    async def main() -> None:
        async with await Admin.connect(AdminSettings(bootstrap=(cluster.bootstrap,), context="test")) as admin:
            for number in range(3):
                probe = (await admin.probe_times({where: number}))[where]
                assert isinstance(probe, Probe)
                assert (probe.base_offset, probe.timestamp_ms) == (number, T0_MS + number * 1_000)
            told = await admin.probe_times({where: 3, missing: 0})
            assert told[where] is None
            assert isinstance(told[missing], KafkaError)
            beyond = (await admin.probe_times({where: 99}))[where]
            assert isinstance(beyond, KafkaError)
            assert beyond.name == "OFFSET_OUT_OF_RANGE"

    asyncio.run(main())
