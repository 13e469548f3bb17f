"""Real clients in process: what people use must simply work, and go on working after a restart."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # Re-exported without saying so.
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from kcon_broker.settings import BrokerSettings
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from tests.kcon_broker.raw_client import RawClient

# The client's constructors of these are untyped.
EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
MAX_TIMESTAMP: OffsetSpec = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]
_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def broker() -> Iterator[InProcessBroker]:
    with InProcessBroker() as running:
        yield running


def produce(bootstrap: str, topic: str, values: list[bytes], **config: object) -> None:
    """Produce values to partition 0 and wait for every acknowledgement."""
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1, **config})
    for value in values:
        producer.produce(
            topic, value, key=b"k", partition=0, on_delivery=lambda error, _: failures.append(error) if error else None
        )
    assert producer.flush(30) == 0
    assert failures == []


def consume(bootstrap: str, topic: str, count: int, group: str = "g", *, subscribes: bool = False) -> list[bytes]:
    """Return the values of the first records that a consumer of a group gets; commits them when it subscribes."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 50,
        }
    )
    values: list[bytes] = []
    try:
        if subscribes:
            consumer.subscribe([topic])
        else:
            consumer.assign([TopicPartition(topic, 0, 0)])
        while len(values) < count:
            messages = consumer.consume(count - len(values), 20)
            assert messages, f"only {len(values)} of {count} records came"
            for message in messages:
                assert message.error() is None
                value = message.value()
                assert isinstance(value, bytes)
                values.append(value)
        if subscribes:
            consumer.commit(asynchronous=False)
    finally:
        consumer.close()
    return values


def leader_epoch(bootstrap: str, topic: str) -> int:
    with RawClient(bootstrap) as client:
        request = MetadataRequest(topics=[MetadataRequestTopic(name=topic)])
        return client.ask(request, MetadataResponse, 9).topics[0].partitions[0].leader_epoch


@pytest.mark.parametrize("codec", _CODECS)
def test_values_come_back_with_every_codec(broker: InProcessBroker, codec: str) -> None:
    values = [f"{codec}-{number}".encode() * 10 for number in range(500)]
    produce(broker.bootstrap, "t", values, **{"compression.type": codec})
    assert consume(broker.bootstrap, "t", len(values)) == values


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_values_come_back_with_every_acks(broker: InProcessBroker, acks: str) -> None:
    values = [str(number).encode() for number in range(100)]
    produce(broker.bootstrap, "t", values, acks=acks)
    assert consume(broker.bootstrap, "t", len(values)) == values


def test_idempotent_producer_is_served(broker: InProcessBroker) -> None:
    values = [str(number).encode() for number in range(1_000)]
    produce(broker.bootstrap, "t", values, **{"enable.idempotence": True, "batch.num.messages": 10})
    assert consume(broker.bootstrap, "t", len(values)) == values


def test_auto_created_topic_has_four_partitions(broker: InProcessBroker) -> None:
    produce(broker.bootstrap, "fresh", [b"x"])
    topics = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics
    assert len(topics["fresh"].partitions) == 4


def test_two_members_share_the_partitions(broker: InProcessBroker) -> None:
    config = {
        "bootstrap.servers": broker.bootstrap,
        "group.id": "shared",
        "session.timeout.ms": 6_000,
        "heartbeat.interval.ms": 200,
    }
    produce(broker.bootstrap, "t", [b"x"])
    members = [Consumer(config), Consumer(config)]
    try:
        for member in members:
            member.subscribe(["t"])
        for _ in range(200):
            for member in members:
                member.poll(0.05)
            if all(len(member.assignment()) == 2 for member in members):
                break
        owned = [partition.partition for member in members for partition in member.assignment()]
        assert sorted(owned) == [0, 1, 2, 3]
    finally:
        for member in members:
            member.close()


@pytest.mark.parametrize("is_killed", [False, True])
def test_restart_keeps_records_topics_offsets_and_groups(tmp_path: Path, is_killed: bool) -> None:
    """After a clean stop and after a kill alike; and the leader epoch tells clients that there was a restart."""
    values = [str(number).encode() for number in range(300)]
    first = InProcessBroker(tmp_path)
    first.start()
    admin = AdminClient({"bootstrap.servers": first.bootstrap})
    admin.create_topics([NewTopic("t", 3, 1, config={"retention.ms": "1234567"})])["t"].result(10)
    produce(first.bootstrap, "t", values, **{"enable.idempotence": True})
    assert consume(first.bootstrap, "t", 200, subscribes=True) == values[:200]
    epoch = leader_epoch(first.bootstrap, "t")
    if is_killed:
        first.kill()
    else:
        first.stop()
    with InProcessBroker(tmp_path) as second:
        admin = AdminClient({"bootstrap.servers": second.bootstrap})
        described = admin.describe_topics(TopicCollection(["t"]))["t"].result(10)
        assert len(described.partitions) == 3
        resource = ConfigResource(ConfigResource.Type.TOPIC, "t")
        assert admin.describe_configs([resource])[resource].result(10)["retention.ms"].value == "1234567"
        asked = [ConsumerGroupTopicPartitions("g", [TopicPartition("t", 0)])]
        offsets = admin.list_consumer_group_offsets(asked)["g"].result(10).topic_partitions
        assert offsets is not None
        assert offsets[0].offset == 200
        assert consume(second.bootstrap, "t", 100, subscribes=True) == values[200:]
        assert leader_epoch(second.bootstrap, "t") > epoch
        produce(second.bootstrap, "t", [b"after"], **{"enable.idempotence": True})
        assert consume(second.bootstrap, "t", 301)[-1] == b"after"


def test_admin_client_creates_describes_grows_and_deletes(broker: InProcessBroker) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic("t", 2, 1)])["t"].result(10)
    admin.create_partitions([NewPartitions("t", 5)])["t"].result(10)
    described = admin.describe_topics(TopicCollection(["t"]))["t"].result(10)
    assert [partition.id for partition in described.partitions] == [0, 1, 2, 3, 4]
    changes = [ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND)]
    resource = ConfigResource(ConfigResource.Type.TOPIC, "t", incremental_configs=changes)
    admin.incremental_alter_configs([resource])[resource].result(10)
    assert admin.describe_configs([resource])[resource].result(10)["cleanup.policy"].value == "delete,compact"
    admin.delete_topics(["t"])["t"].result(10)
    assert "t" not in admin.list_topics(timeout=10).topics


def test_records_are_deleted_up_to_an_offset(broker: InProcessBroker) -> None:
    produce(broker.bootstrap, "t", [str(number).encode() for number in range(10)])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    partition = TopicPartition("t", 0, 4)
    assert admin.delete_records([partition])[partition].result(10).low_watermark == 4
    wanted = TopicPartition("t", 0)
    assert admin.list_offsets({wanted: EARLIEST})[wanted].result(10).offset == 4


def test_offsets_are_found_by_time(broker: InProcessBroker) -> None:
    """Inside one compressed batch: the record, not the batch."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "compression.type": "zstd", "linger.ms": 50})
    base_ms = 1_700_000_000_000
    for number in range(10):
        producer.produce("t", str(number), partition=0, timestamp=base_ms + 10 * number)
    assert producer.flush(20) == 0
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    wanted = TopicPartition("t", 0)

    def offset_at(spec: OffsetSpec) -> int:
        offset: int = admin.list_offsets({wanted: spec})[wanted].result(10).offset
        return offset

    assert offset_at(OffsetSpec.for_timestamp(base_ms + 35)) == 4
    assert offset_at(OffsetSpec.for_timestamp(base_ms)) == 0
    assert offset_at(OffsetSpec.for_timestamp(base_ms + 91)) == -1
    assert offset_at(MAX_TIMESTAMP) == 9
    assert offset_at(LATEST) == 10


def test_topic_created_anew_is_another_topic(broker: InProcessBroker) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    produce(broker.bootstrap, "t", [b"old"])
    admin.delete_topics(["t"])["t"].result(10)
    produce(broker.bootstrap, "t", [b"new"])
    assert consume(broker.bootstrap, "t", 1) == [b"new"]


@pytest.mark.kcat
def test_kcat_produces_and_consumes(broker: InProcessBroker) -> None:
    lines = "\n".join(str(number) for number in range(1_000)) + "\n"
    kcat = ["kcat", "-b", broker.bootstrap, "-t", "lines"]
    subprocess.run([*kcat, "-P", "-p", "0"], input=lines, text=True, check=True, timeout=60)
    result = subprocess.run(
        [*kcat, "-C", "-e", "-q", "-p", "0"], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == lines


def test_settings_of_the_broker_apply(tmp_path: Path) -> None:
    settings = BrokerSettings(data_dir=tmp_path, port=0, default_partitions=2, auto_create_topics=True)
    with InProcessBroker(settings=settings) as broker:
        produce(broker.bootstrap, "t", [b"x"])
        topics = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics
    assert len(topics["t"].partitions) == 2
