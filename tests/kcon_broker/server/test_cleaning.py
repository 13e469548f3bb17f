"""Compacted topics are compacted by a running broker, beside its clients, and come back after any stop."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings, SeedTopic, StorageSettings
from kcon_broker.testing import InProcessBroker, MemoryFiles

SETTINGS = BrokerSettings(
    data_dir=Path(),
    port=0,
    seed_topics=(SeedTopic(name="t", partitions=1),),
    topic_config_defaults=(
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("segment.bytes", "1048576"),
    ),
)
KEYS = 50
RECORDS = 30_000


def produce(broker: InProcessBroker, first: int, count: int) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 5, "log_level": 0})
    for number in range(first, first + count):
        producer.produce("t", b"%d:" % number + b"x" * 100, key=b"k%d" % (number % KEYS), partition=0)
        if not number % 5_000:
            producer.poll(0)
    assert producer.flush(30) == 0


def consume(broker: InProcessBroker) -> dict[int, tuple[bytes | None, bytes | None]]:
    """Read the partition from its start to its end."""
    config = {"bootstrap.servers": broker.bootstrap, "group.id": "g", "enable.partition.eof": True, "log_level": 0}
    consumer = Consumer(config)
    consumer.assign([TopicPartition("t", 0, 0)])
    found: dict[int, tuple[bytes | None, bytes | None]] = {}
    while True:
        message = consumer.poll(10)
        assert message is not None
        if message.error() is not None:
            break
        offset, key, value = message.offset(), message.key(), message.value()
        assert offset is not None
        assert not isinstance(key, str)
        assert not isinstance(value, str)
        found[offset] = (key, value)
    consumer.close()
    return found


def clean(broker: InProcessBroker) -> int:
    server, running = broker.call(lambda server: (server, asyncio.get_running_loop()))
    return asyncio.run_coroutine_threadsafe(server.cleaner.clean(), running).result(60)


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_compacted_topic_keeps_the_last_value_of_each_key(on_disk: bool, tmp_path: Path) -> None:
    """The bytes shrink, the offsets stay, a reader from offset 0 reaches the end; so after a kill and after a stop."""
    files = None if on_disk else MemoryFiles()
    folder = tmp_path if on_disk else None
    broker = InProcessBroker(folder, files=files, settings=SETTINGS)
    broker.start()
    produce(broker, 0, RECORDS)
    before = consume(broker)
    assert clean(broker) == 1
    after = consume(broker)
    assert len(after) < len(before) / 2
    assert all(before[offset] == record for offset, record in after.items())
    last = {key: record for _, (key, record) in sorted(before.items())}
    assert {key: record for _, (key, record) in sorted(after.items())} == last
    assert clean(broker) == 0
    broker.kill()
    for end in (InProcessBroker.kill, InProcessBroker.stop, InProcessBroker.stop):
        broker = InProcessBroker(folder, files=files, settings=SETTINGS)
        broker.start()
        assert consume(broker) == after
        end(broker)


def test_a_topic_that_is_not_compacted_any_more_keeps_its_gaps(tmp_path: Path) -> None:
    """Without the checkpoint the next start would take the gaps for damage."""
    broker = InProcessBroker(tmp_path, settings=SETTINGS)
    broker.start()
    produce(broker, 0, RECORDS)
    clean(broker)
    after = consume(broker)
    broker.kill()
    with InProcessBroker(tmp_path, settings=replace(SETTINGS, topic_config_defaults=())) as plain:
        assert consume(plain) == after


def test_a_deleted_topic_is_not_compacted_to_its_end(tmp_path: Path) -> None:
    """The cleaner meets a log that was closed and moved under its feet."""
    settings = replace(SETTINGS, seed_topics=())

    async def live() -> int:
        server = BrokerServer(replace(settings, data_dir=tmp_path))
        await server.start()
        topic, _ = server.broker.create_topic("t", 1, {})
        partition = topic.partition(0)
        assert partition is not None
        log = server.broker.log_of(partition)
        assert log is not None
        for number in range(40):
            values = [Record(0, 0, b"k%d" % key, b"x" * 1_000) for key in range(100)]
            log.append(encode_batch(values), now_ms=0)
            server.broker.dirty[partition] = None
            if not number % 10:
                log.roll()
        server.dispatcher.request_round()
        await server.committer.drain()
        assert log.durable_offset == log.log_end_offset
        cleaning = asyncio.get_running_loop().create_task(server.cleaner.clean())
        while not list(tmp_path.glob("*/*.cleaned")):
            await asyncio.sleep(0)
        server.broker.delete_topic(topic, now_ms=0, wall_ms=0)
        cleaned = await cleaning
        await server.stop()
        return cleaned

    assert asyncio.run(live()) == 0
    assert not list(tmp_path.glob("*/*.cleaned"))


def test_offsets_topic_is_sealed_early(tmp_path: Path) -> None:
    """What a start replays is at most some megabytes a partition, whatever the topic's segment.bytes."""
    storage = StorageSettings(offsets_segment_bytes_max=2_000)
    settings = BrokerSettings(
        data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),), storage=storage
    )
    with InProcessBroker(tmp_path, settings=settings) as broker:
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g", "log_level": 0})
        consumer.assign([TopicPartition("t", 0, 0)])
        sizes = []
        for round_number in range(4):
            for offset in range(100):
                consumer.commit(offsets=[TopicPartition("t", 0, offset)], asynchronous=False)
            clean(broker)
            logs = list(tmp_path.glob("__consumer_offsets-*/*.log"))
            sizes.append((round_number, sum(path.stat().st_size for path in logs)))
        consumer.close()
    assert sizes[-1][1] < 3 * sizes[0][1], sizes
