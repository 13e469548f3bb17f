"""Real transactional clients: what is committed is there, what is not is never seen, whatever happens to the broker."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker

_DEADLINE_S = 20.0
_PLACE = TopicPartition("t", 0)


def start(folder: Path | None = None) -> InProcessBroker:
    settings = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),))
    broker = InProcessBroker(folder, settings=settings)
    broker.start()
    return broker


def producer_of(broker: InProcessBroker, transactional_id: str = "tx") -> Producer:
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap, "transactional.id": transactional_id, "log_level": 0, "linger.ms": 0}
    )
    producer.init_transactions(_DEADLINE_S)
    return producer


def write(producer: Producer, *values: bytes) -> None:
    """Begin a transaction and have its records in the log."""
    producer.begin_transaction()
    for value in values:
        producer.produce("t", value, partition=0)
    assert producer.flush(_DEADLINE_S) == 0


def read(broker: InProcessBroker, isolation: str, last: bytes) -> list[bytes]:
    """Return the values from the start up to the one that is known to be the last."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": f"reader-{isolation}",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
        }
    )
    consumer.assign([TopicPartition("t", 0, 0)])
    values: list[bytes] = []
    until_s = time.monotonic() + _DEADLINE_S
    try:
        while last not in values and time.monotonic() < until_s:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                values.append(message.value() or b"")
    finally:
        consumer.close()
    return values


def committed(broker: InProcessBroker, group: str) -> int:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    try:
        return int(consumer.committed([_PLACE], _DEADLINE_S)[0].offset)
    finally:
        consumer.close()


def test_committed_records_are_read_and_aborted_ones_are_not() -> None:
    broker = start()
    try:
        producer = producer_of(broker)
        for number in range(3):
            write(producer, b"aborted %d" % number)
            producer.abort_transaction(_DEADLINE_S)
            write(producer, b"committed %d" % number)
            producer.commit_transaction(_DEADLINE_S)
        assert read(broker, "read_committed", b"committed 2") == [b"committed 0", b"committed 1", b"committed 2"]
        assert len(read(broker, "read_uncommitted", b"committed 2")) == 6
    finally:
        broker.stop()


def test_second_producer_of_an_id_shuts_the_first_out() -> None:
    broker = start()
    try:
        first = producer_of(broker)
        write(first, b"lost")
        second = producer_of(broker)
        with pytest.raises(KafkaException) as caught:
            first.commit_transaction(_DEADLINE_S)
        error: KafkaError = caught.value.args[0]
        assert error.code() == KafkaError._FENCED  # The client's name of it.
        write(second, b"kept")
        second.commit_transaction(_DEADLINE_S)
        assert read(broker, "read_committed", b"kept") == [b"kept"]
    finally:
        broker.stop()


@pytest.mark.parametrize("is_commit", [True, False])
def test_offsets_move_with_the_transaction(is_commit: bool) -> None:
    """Consume, transform, produce: the input counts as read exactly when the output is there."""
    broker = start()
    try:
        source = producer_of(broker, "source")
        write(source, b"in 0", b"in 1")
        source.commit_transaction(_DEADLINE_S)
        consumer = Consumer(
            {
                "bootstrap.servers": broker.bootstrap,
                "group.id": "copy",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe(["t"])
        got: list[bytes] = []
        until_s = time.monotonic() + _DEADLINE_S
        while len(got) < 2 and time.monotonic() < until_s:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                got.append(message.value() or b"")
        assert got == [b"in 0", b"in 1"]
        copier = producer_of(broker, "copier")
        write(copier, b"out")
        copier.send_offsets_to_transaction(consumer.position([_PLACE]), consumer.consumer_group_metadata(), _DEADLINE_S)
        if is_commit:
            copier.commit_transaction(_DEADLINE_S)
        else:
            copier.abort_transaction(_DEADLINE_S)
        consumer.close()
        assert (committed(broker, "copy") == 2) is is_commit
    finally:
        broker.stop()


@pytest.mark.parametrize("is_clean", [True, False])
def test_transactions_survive_the_end_of_the_broker(tmp_path: Path, is_clean: bool) -> None:
    """Outcomes stay, aborted records stay hidden, and the open transaction holds readers until it is aborted."""
    broker = start(tmp_path)
    producer = producer_of(broker)
    write(producer, b"aborted")
    producer.abort_transaction(_DEADLINE_S)
    write(producer, b"one")
    producer.commit_transaction(_DEADLINE_S)
    write(producer, b"open")
    if is_clean:
        broker.stop()
    else:
        broker.kill()
    broker = start(tmp_path)
    try:
        other = producer_of(broker, "other")
        write(other, b"two")
        other.commit_transaction(_DEADLINE_S)
        assert read(broker, "read_uncommitted", b"two") == [b"aborted", b"one", b"open", b"two"]
        partition_marks = broker.call(
            lambda server: [
                (partition.last_stable_offset, partition.producers.transactions.aborted.entries[0].first_offset)
                for partition in server.broker.topics.by_name["t"].touched_partitions()
            ]
        )
        assert partition_marks == [(4, 0)], "the open transaction begins at 4, the aborted one began at 0"
        producer_of(broker)
        assert read(broker, "read_committed", b"two") == [b"one", b"two"]
    finally:
        broker.stop()


def test_pending_offsets_survive_the_end_of_the_broker(tmp_path: Path) -> None:
    broker = start(tmp_path)
    producer = producer_of(broker)
    write(producer, b"out")
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g"})
    offsets = [TopicPartition("t", 0, 1)]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), _DEADLINE_S)
    consumer.close()
    broker.kill()
    broker = start(tmp_path)
    try:
        assert broker.call(lambda server: server.broker.groups.offsets.pending.group_ids()) == ["g"]
        producer_of(broker)
        assert broker.call(lambda server: server.broker.groups.offsets.pending.group_ids()) == []
        assert committed(broker, "g") < 0
    finally:
        broker.stop()
