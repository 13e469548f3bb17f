"""The producer's promises: nothing without a permit, and every record delivered or failed."""

import threading

import pytest

from kcon.contexts.context import Context
from kcon.core.ids import topic_name
from kcon.errors import RefusedError
from kcon.gate.gate import Gate
from kcon.gate.permit import Permit
from kcon.records.record import NewRecord
from kcon.records.sender import RecordSender, SendOptions
from kcon.services.produce import ProducePlan

TOPIC = topic_name("orders")
NOBODY = Context(name="test", bootstrap=("127.0.0.1:1",), timeout_ms=1_000)


class NoAudit:
    """Where these tests' audit lines go."""

    def write(self, entry: object) -> None:
        """Keep nothing."""


def permit_for(context: Context) -> Permit:
    return Gate(context, NoAudit()).authorise(ProducePlan(topic=TOPIC, confirmed_by="-y"))


def sender(options: SendOptions | None = None) -> RecordSender:
    return RecordSender(NOBODY, permit_for(NOBODY), frozenset({TOPIC}), options)


def test_a_permit_of_another_context_opens_nothing() -> None:
    other = Context(name="other", bootstrap=("127.0.0.1:1",))
    with pytest.raises(RefusedError), RecordSender(NOBODY, permit_for(other), frozenset({TOPIC})):
        pass


def test_a_topic_outside_the_permit_is_refused_before_it_is_queued() -> None:
    with sender() as producer:
        with pytest.raises(RefusedError):
            producer.send(topic_name("others"), 0, NewRecord(value=b"x"))
        assert producer.accepted == 0


def test_without_a_broker_every_record_fails_and_none_is_forgotten() -> None:
    with sender() as producer:
        for index in range(3):
            producer.send(TOPIC, index, NewRecord(value=b"x"))
        producer.flush()
        assert (producer.accepted, producer.failed, producer.delivered) == (3, 3, 0)
        assert [failure.index for failure in producer.failures] == [0, 1, 2]


def test_a_full_queue_waits_and_stop_ends_the_wait() -> None:
    """Ctrl-C must not hang while a broker is away."""
    small = SendOptions(config={"queue.buffering.max.messages": 2, "message.timeout.ms": 60_000})
    with sender(small) as producer:
        timer = threading.Timer(0.2, producer.stop)
        timer.start()
        for index in range(5):
            producer.send(TOPIC, index, NewRecord(value=b"x"))
        timer.join()
        assert producer.accepted == 2
