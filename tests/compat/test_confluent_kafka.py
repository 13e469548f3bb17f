"""confluent-kafka, and so librdkafka: the client under most of the world's non-Java programs."""

import io
import logging
import re
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

WAIT_S = 20.0
BASE_MS = (time.time_ns() // 10**9 - 3600) * 1000
"""An hour ago: brokers refuse times far ahead, and retention takes those far behind."""


def create(bootstrap: str, topic: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(WAIT_S)


def test_librdkafka_finds_every_feature_that_it_knows(cluster: Any) -> None:
    """It infers them from pairs of ranges: one that is missing would silently turn off a codec, or a protocol."""
    lines = io.StringIO()
    log = logging.Logger("librdkafka")
    log.addHandler(logging.StreamHandler(lines))
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "debug": "feature"}, logger=log)
    producer.list_topics(timeout=WAIT_S)
    producer.poll(0)
    assert set(re.findall(r"Enabling feature (\w+)", lines.getvalue())) == {
        "ApiVersion",
        "BrokerBalancedConsumer",
        "BrokerGroupCoordinator",
        "IdempotentProducer",
        "LZ4",
        "MsgVer1",
        "MsgVer2",
        "OffsetTime",
        "Sasl",
        "SaslAuthReq",
        "SaslHandshake",
        "ThrottleTime",
        "ZSTD",
    }


def test_an_idempotent_producer_delivers_in_order(cluster: Any, unique: Callable[[str], str]) -> None:
    """Many small requests in flight: the sequences must hold the order."""
    topic = unique("ordered")
    create(cluster.bootstrap, topic, 1)
    config = {
        "bootstrap.servers": cluster.bootstrap,
        "enable.idempotence": True,
        "linger.ms": 0,
        "batch.num.messages": 20,
    }
    offsets: list[int | None] = []
    producer = Producer(config)
    for index in range(2_000):
        producer.produce(
            topic,
            str(index),
            on_delivery=lambda error, message: offsets.append(message.offset() if error is None else -1),
        )
    assert producer.flush(WAIT_S) == 0
    assert offsets == list(range(2_000))
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": unique("unused")})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = [message.value() for message in consumer.consume(2_000, WAIT_S)]
    consumer.close()
    assert values == [str(index).encode() for index in range(2_000)]


def test_two_members_share_a_topic_and_one_takes_over(cluster: Any, unique: Callable[[str], str]) -> None:
    topic, group = unique("shared"), unique("members")
    create(cluster.bootstrap, topic, 4)
    config = {
        "bootstrap.servers": cluster.bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
    }
    first, second = Consumer(config), Consumer(config)
    first.subscribe([topic])
    second.subscribe([topic])
    poll_until([first, second], lambda: sorted([len(first.assignment()), len(second.assignment())]) == [2, 2])
    second.close()
    poll_until([first], lambda: len(first.assignment()) == 4)
    first.close()


def poll_until(consumers: list[Consumer], is_met: Callable[[], bool]) -> None:
    """Serve consumers until a condition holds; fail after a bounded number of turns."""
    for _ in range(int(WAIT_S / 0.1)):
        if is_met():
            return
        for consumer in consumers:
            consumer.poll(0.1 / len(consumers))
    raise AssertionError([consumer.assignment() for consumer in consumers])


def test_commits_are_kept(cluster: Any, unique: Callable[[str], str]) -> None:
    topic, group = unique("committed"), unique("committers")
    create(cluster.bootstrap, topic, 2)
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group})
    consumer.commit(
        offsets=[TopicPartition(topic, 0, 7, metadata="note"), TopicPartition(topic, 1, 9)], asynchronous=False
    )
    consumer.close()
    again = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group})
    found = again.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], WAIT_S)
    again.close()
    assert [(part.offset, part.metadata or "") for part in found] == [(7, "note"), (9, "")]


def test_a_missing_topic_is_an_error_without_auto_creation(cluster: Any, unique: Callable[[str], str]) -> None:
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": unique("g"), "allow.auto.create.topics": False}
    )
    consumer.subscribe([unique("missing")])
    message = consumer.poll(WAIT_S)
    consumer.close()
    assert message is not None
    error = message.error()
    assert error is not None
    assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_times_are_looked_up(cluster: Any, unique: Callable[[str], str]) -> None:
    topic = unique("times")
    create(cluster.bootstrap, topic, 1)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for index in range(5):
        producer.produce(topic, str(index), timestamp=BASE_MS + index * 1_000)
    assert producer.flush(WAIT_S) == 0
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": unique("g")})
    asked = [TopicPartition(topic, 0, BASE_MS + 2_500)]
    assert [part.offset for part in consumer.offsets_for_times(asked, WAIT_S)] == [3]
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), WAIT_S) == (0, 5)
    consumer.close()
