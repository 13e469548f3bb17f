"""Which transactions are open, who writes in them, and how is one ended by force?

ListTransactions at every broker, DescribeTransactions and InitProducerId at the coordinators that listed them,
DescribeProducers and WriteTxnMarkers at the leaders. No coordinator is looked up, because the first look-up creates a
topic.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import ask, ask_brokers, change, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.admin.routes import Routes
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.transaction import ProducerState, TransactionDescription, TransactionListing
from kcon.core.wire_text import WireText, display_safe
from kcon.gate.permit import Operation, Permit

_TRANSACTIONAL_ID_NOT_FOUND: Final = 105
_PARTITIONS_PER_REQUEST_MAX: Final = 1_000


class TransactionsListed(NamedTuple):
    """The transactional ids of every broker that answered, sorted, and why the others did not."""

    items: list[TransactionListing]
    errors: dict[int, KafkaError]
    """By broker id. Transactions of these brokers are missing from `items`."""


async def list_transactions(
    cluster: Cluster,
    *,
    states: Collection[str] = (),
    producer_ids: Collection[int] = (),
    open_for_ms: int | None = None,
    deadline: Deadline,
) -> TransactionsListed:
    """Return transactional ids. open_for_ms: only those whose transaction runs for longer (KIP-994)."""
    values = {
        "state_filters": list(states),
        "producer_id_filters": list(producer_ids),
        "duration_filter": -1 if open_for_ms is None else open_for_ms,
    }
    told = await ask_brokers(cluster, ReadRequest(api=Api.LIST_TRANSACTIONS, values=values), deadline)
    items, errors = [], {}
    for broker_id, answer in told.items():
        if isinstance(answer, KafkaError):
            errors[broker_id] = answer
            continue
        items += [
            TransactionListing(
                WireText(item.transactional_id), item.producer_id, display_safe(item.transaction_state), broker_id
            )
            for item in answer.transaction_states
        ]
    return TransactionsListed(sorted(items, key=lambda each: each.transactional_id.raw), errors)


async def describe_transactions(
    cluster: Cluster, ids: Collection[str], deadline: Deadline
) -> dict[str, TransactionDescription | KafkaError]:
    """Describe transactional ids; TRANSACTIONAL_ID_NOT_FOUND for one that no broker lists."""

    async def route(keys: Sequence[str], fresh: bool) -> Mapping[str, int | KafkaError]:
        return await _coordinators(cluster, keys, deadline)

    async def send(broker_id: int, keys: Sequence[str]) -> Mapping[str, TransactionDescription | KafkaError]:
        request = ReadRequest(api=Api.DESCRIBE_TRANSACTIONS, values={"transactional_ids": list(keys)})
        told = await ask(cluster, request, deadline, broker_id)
        return {
            item.transactional_id: item_error(item) or _description(item, broker_id) for item in told.transaction_states
        }

    return await fan_out(
        list(dict.fromkeys(ids)),
        route=route,
        ask=send,
        batch_max=cluster.settings.groups_per_request_max,
        settings=cluster.settings,
        deadline=deadline,
    )


async def _coordinators(cluster: Cluster, ids: Sequence[str], deadline: Deadline) -> Mapping[str, int | KafkaError]:
    listed = await list_transactions(cluster, deadline=deadline)
    coordinators = {item.transactional_id.raw: item.coordinator_id for item in listed.items}
    # With a broker missing, "not found" would be a guess.
    missing = next(iter(listed.errors.values()), kafka_error(_TRANSACTIONAL_ID_NOT_FOUND))
    return {each: coordinators.get(each, missing) for each in ids}


def _description(item: Any, broker_id: int) -> TransactionDescription:
    partitions = [
        TopicPartition(TopicName(WireText(topic.topic)), index) for topic in item.topics for index in topic.partitions
    ]
    return TransactionDescription(
        transactional_id=WireText(item.transactional_id),
        state=display_safe(item.transaction_state),
        producer_id=item.producer_id,
        producer_epoch=item.producer_epoch,
        timeout_ms=item.transaction_timeout,
        start_ms=item.transaction_start_time if item.transaction_start_time >= 0 else None,
        partitions=tuple(sorted(partitions, key=lambda where: (where.topic.raw, where.partition))),
        coordinator_id=broker_id,
    )


async def describe_producers(
    cluster: Cluster, routes: Routes, partitions: Collection[TopicPartition], deadline: Deadline
) -> dict[TopicPartition, tuple[ProducerState, ...] | KafkaError]:
    """Return the producers that the leader of each partition knows."""

    async def route(keys: Sequence[TopicPartition], fresh: bool) -> Mapping[TopicPartition, int | KafkaError]:
        return dict(zip(keys, await routes.leaders(keys, fresh, deadline), strict=True))

    async def send(
        broker_id: int, keys: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, tuple[ProducerState, ...] | KafkaError]:
        by_topic: dict[TopicName, list[int]] = {}
        for topic, partition in keys:
            by_topic.setdefault(topic, []).append(partition)
        topics = [{"name": topic.raw, "partition_indexes": parts} for topic, parts in by_topic.items()]
        told = await ask(
            cluster, ReadRequest(api=Api.DESCRIBE_PRODUCERS, values={"topics": topics}), deadline, broker_id
        )
        results: dict[TopicPartition, tuple[ProducerState, ...] | KafkaError] = {}
        for topic in told.topics:
            name = TopicName(WireText(topic.name))
            for part in topic.partitions:
                where = TopicPartition(name, part.partition_index)
                results[where] = item_error(part) or tuple(_producer(where, p) for p in part.active_producers)
        return results

    return await fan_out(
        list(dict.fromkeys(partitions)),
        route=route,
        ask=send,
        batch_max=_PARTITIONS_PER_REQUEST_MAX,
        settings=cluster.settings,
        deadline=deadline,
    )


def _producer(where: TopicPartition, item: Any) -> ProducerState:
    return ProducerState(
        partition=where,
        producer_id=item.producer_id,
        producer_epoch=item.producer_epoch,
        last_sequence=item.last_sequence,
        last_timestamp_ms=item.last_timestamp,
        coordinator_epoch=item.coordinator_epoch,
        txn_start_offset=item.current_txn_start_offset if item.current_txn_start_offset >= 0 else None,
    )


async def abort_transaction(
    cluster: Cluster, routes: Routes, producer: ProducerState, permit: Permit, deadline: Deadline
) -> KafkaError | None:
    """Write an abort marker for one producer into one partition, as Apache's tool does. None: done.

    Only for a transaction that hangs: its producer and its coordinator do not hear of it.
    """
    where = producer.partition

    async def route(keys: Sequence[TopicPartition], fresh: bool) -> Mapping[TopicPartition, int | KafkaError]:
        return dict(zip(keys, await routes.leaders(keys, fresh, deadline), strict=True))

    async def send(broker_id: int, keys: Sequence[TopicPartition]) -> Mapping[TopicPartition, bool | KafkaError]:
        marker = {
            "producer_id": producer.producer_id,
            "producer_epoch": producer.producer_epoch,
            "transaction_result": False,
            "topics": [{"name": where.topic.raw, "partition_indexes": [where.partition]}],
            # A leader knows no coordinator epoch before the first marker (KIP-664).
            "coordinator_epoch": max(0, producer.coordinator_epoch),
        }
        request = WriteRequest(api=Api.WRITE_TXN_MARKERS, values={"markers": [marker]})
        told = await change(cluster, request, permit, deadline, broker_id)
        return {
            TopicPartition(TopicName(WireText(topic.name)), part.partition_index): item_error(part) or True
            for each in told.markers
            for topic in each.topics
            for part in topic.partitions
        }

    with permit.use(context=cluster.settings.context, operation=Operation.TXN_ABORT, targets={where.topic.raw}):
        told = await fan_out(
            [where],
            route=route,
            ask=send,
            batch_max=1,
            settings=cluster.settings,
            deadline=deadline,
            mutating=True,
        )
    result = told[where]
    return result if isinstance(result, KafkaError) else None


async def fence_producers(
    cluster: Cluster, ids: Collection[str], permit: Permit, deadline: Deadline
) -> dict[str, KafkaError | None]:
    """Give transactional ids a new epoch; None for each whose producer is fenced.

    What its producer has open is aborted, and its next request fails with PRODUCER_FENCED. An id that no broker lists
    is TRANSACTIONAL_ID_NOT_FOUND: InitProducerId would make it.
    """

    async def route(keys: Sequence[str], fresh: bool) -> Mapping[str, int | KafkaError]:
        return await _coordinators(cluster, keys, deadline)

    async def send(broker_id: int, keys: Sequence[str]) -> Mapping[str, bool | KafkaError]:
        values = {
            "transactional_id": keys[0],
            # In so long the coordinator must have written the new epoch; nobody begins a transaction with it.
            "transaction_timeout": max(1, int(deadline.left_ms(cluster.settings.change_timeout_ms))),
        }
        request = WriteRequest(api=Api.INIT_PRODUCER_ID, values=values)
        return {keys[0]: item_error(await change(cluster, request, permit, deadline, broker_id)) or True}

    with permit.use(context=cluster.settings.context, operation=Operation.PRODUCER_FENCE, targets=set(ids)):
        told = await fan_out(
            list(dict.fromkeys(ids)),
            route=route,
            ask=send,
            batch_max=1,
            settings=cluster.settings,
            deadline=deadline,
            mutating=True,
            needs="WRITE",
        )
    return {key: result if isinstance(result, KafkaError) else None for key, result in told.items()}
