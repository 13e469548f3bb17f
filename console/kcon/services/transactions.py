"""Which producers are in these partitions, and which of their transactions hang?"""

from collections.abc import Sequence

from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.transaction import HangingTransaction, ProducerState, TransactionDescription, find_hanging
from kcon.errors import NotFoundError
from kcon.services.groups import PartitionScope
from kcon.services.session import Session

Producers = dict[TopicPartition, tuple[ProducerState, ...] | KafkaError]


async def read_producers(session: Session, scopes: Sequence[PartitionScope]) -> Producers:
    """Return the producers of partitions (none named: of all). NotFoundError for a name that is not there."""
    admin = await session.admin()
    places: list[TopicPartition] = []
    for topic in await admin.topics([scope.topic for scope in scopes] if scopes else None):
        if topic.error is not None:
            raise topic.error.as_exception(f"topic {topic.name}")
        places += [TopicPartition(topic.name, part.partition) for part in topic.partitions]
    for scope in scopes:
        for partition in sorted(scope.partitions or ()):
            if TopicPartition(scope.topic, partition) not in places:
                raise NotFoundError(f"Topic {scope.topic} has no partition {partition}.")
    if scopes:
        places = [where for where in places if any(scope.covers(where) for scope in scopes)]
    return await admin.producers(places)


async def read_hanging(
    session: Session, scopes: Sequence[PartitionScope], *, older_than_ms: int
) -> tuple[list[HangingTransaction], Producers]:
    """Return the transactions that hang, and all producers. KconError when a coordinator cannot be asked.

    Without one coordinator's word its transactions would all seem to hang, and someone might abort them.
    """
    admin = await session.admin()
    producers = await read_producers(session, scopes)
    states = [state for found in producers.values() if not isinstance(found, KafkaError) for state in found]
    suspects = {state.producer_id for state in states if state.txn_start_offset is not None}
    known: dict[int, TransactionDescription] = {}
    if suspects:
        listed = await admin.transactions(producer_ids=suspects)
        for broker_id, error in listed.errors.items():
            raise error.as_exception(f"transactions of broker {broker_id}")
        described = await admin.describe_transactions([item.transactional_id.raw for item in listed.items])
        for name, told in described.items():
            if isinstance(told, KafkaError):
                raise told.as_exception(f"transaction {name}")
            known[told.producer_id] = told
    return find_hanging(states, known, now_ms=session.now_ms(), older_than_ms=older_than_ms), producers
