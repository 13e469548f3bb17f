"""Transactions over the wire, version by version: what both kinds of producers send, and what readers get."""

import time

import pytest

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.server.server import BrokerServer
from kcon_broker.state.transaction_journal import abort_orphans
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from kcon_broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    TopicRequest,
)
from kcon_broker.wire.messages.describe_transactions import DescribeTransactionsRequest, DescribeTransactionsResponse
from kcon_broker.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from kcon_broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from kcon_broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from kcon_broker.wire.messages.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestTopic,
    OffsetFetchResponse,
)
from kcon_broker.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from kcon_broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
)
from kcon_broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from tests.kcon_broker.raw_client import RawClient

_TRIES_MAX = 100_000


class Writer:
    """A transactional producer by hand."""

    def __init__(self, client: RawClient, name: str = "tx") -> None:
        self.client = client
        self.name = name
        request = FindCoordinatorRequest(key=name, key_type=1)
        assert client.ask(request, FindCoordinatorResponse, 2).error_code == ErrorCode.NONE
        self.sequence = 0
        self.init()

    def init(self) -> None:
        request = InitProducerIdRequest(transactional_id=self.name, transaction_timeout_ms=60_000)
        for _ in range(_TRIES_MAX):
            answer = self.client.ask(request, InitProducerIdResponse, 5)
            if answer.error_code != ErrorCode.CONCURRENT_TRANSACTIONS:
                break
        assert answer.error_code == ErrorCode.NONE
        self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch

    def produce(self, version: int, *, is_transactional: bool = True) -> int:
        batch = encode_batch(
            [Record(0, int(time.time() * 1000), b"k", b"v")],
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=self.sequence,
            is_transactional=is_transactional,
        )
        request = ProduceRequest(
            transactional_id=self.name,
            acks=-1,
            timeout_ms=5_000,
            topic_data=[
                TopicProduceData(name="t", partition_data=[PartitionProduceData(index=0, records=bytes(batch))])
            ],
        )
        for _ in range(_TRIES_MAX):
            answer = self.client.ask(request, ProduceResponse, version).responses[0].partition_responses[0]
            if answer.error_code not in (ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NOT_ENOUGH_REPLICAS):
                break
        self.sequence += answer.error_code == ErrorCode.NONE
        return answer.error_code

    def add(self, version: int, *partitions: int) -> list[int]:
        topics = [AddPartitionsToTxnTopic(name="t", partitions=list(partitions))]
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.name,
            v3_and_below_producer_id=self.producer_id,
            v3_and_below_producer_epoch=self.epoch,
            v3_and_below_topics=topics,
        )
        for _ in range(_TRIES_MAX):
            answer = self.client.ask(request, AddPartitionsToTxnResponse, version)
            errors = [
                each.partition_error_code
                for topic in answer.results_by_topic_v3_and_below
                for each in topic.results_by_partition
            ]
            if ErrorCode.CONCURRENT_TRANSACTIONS not in errors:
                break
        return errors

    def verify(self, partition: int) -> int:
        transaction = AddPartitionsToTxnTransaction(
            transactional_id=self.name,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            verify_only=True,
            topics=[AddPartitionsToTxnTopic(name="t", partitions=[partition])],
        )
        request = AddPartitionsToTxnRequest(transactions=[transaction])
        answer = self.client.ask(request, AddPartitionsToTxnResponse, 5)
        return answer.results_by_transaction[0].topic_results[0].results_by_partition[0].partition_error_code

    def end(self, version: int, *, commit: bool = True) -> int:
        request = EndTxnRequest(
            transactional_id=self.name, producer_id=self.producer_id, producer_epoch=self.epoch, committed=commit
        )
        answer = self.client.ask(request, EndTxnResponse, version)
        if version >= 5 and answer.error_code == ErrorCode.NONE:
            self.producer_id, self.epoch, self.sequence = answer.producer_id, answer.producer_epoch, 0
        return answer.error_code

    def wait_until_complete(self) -> None:
        request = DescribeTransactionsRequest(transactional_ids=[self.name])
        for _ in range(_TRIES_MAX):
            answer = self.client.ask(request, DescribeTransactionsResponse, 0)
            if answer.transaction_states[0].transaction_state.startswith("Complete"):
                return
        raise AssertionError(answer.transaction_states[0].transaction_state)


@pytest.fixture
def writer(client: RawClient) -> Writer:
    return Writer(client)


def fetch(client: RawClient, *, isolation: int = 1) -> PartitionData:
    request = FetchRequest(
        max_wait_ms=0,
        min_bytes=0,
        max_bytes=1 << 20,
        isolation_level=isolation,
        topics=[
            FetchTopic(topic="t", partitions=[FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)])
        ],
    )
    return client.ask(request, FetchResponse, 11).responses[0].partitions[0]


def end_offset(client: RawClient, isolation: int) -> int:
    request = ListOffsetsRequest(
        replica_id=-1,
        isolation_level=isolation,
        topics=[ListOffsetsTopic(name="t", partitions=[ListOffsetsPartition(partition_index=0, timestamp=-1)])],
    )
    return client.ask(request, ListOffsetsResponse, 6).topics[0].partitions[0].offset


def test_second_version_of_transactions_is_finalized(client: RawClient) -> None:
    request = ApiVersionsRequest(client_software_name="raw", client_software_version="1")
    answer = client.ask(request, ApiVersionsResponse, 4)
    features = {each.name: each.max_version_level for each in answer.finalized_features}
    assert features["transaction.version"] == 2


@pytest.mark.parametrize("version", range(4))
def test_every_version_adds_partitions(writer: Writer, version: int) -> None:
    assert writer.add(version, 0, 1) == [ErrorCode.NONE, ErrorCode.NONE]
    assert writer.add(version, 0, 2) == [ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    writer.epoch += 1
    fenced = ErrorCode.INVALID_PRODUCER_EPOCH if version < 2 else ErrorCode.PRODUCER_FENCED
    assert writer.add(version, 0) == [fenced]


@pytest.mark.parametrize(
    ("version", "expected"), [(9, ErrorCode.INVALID_TXN_STATE), (11, ErrorCode.TRANSACTION_ABORTABLE)]
)
def test_older_producers_must_add_a_partition_first(writer: Writer, version: int, expected: int) -> None:
    assert writer.produce(version) == expected
    assert writer.verify(0) == ErrorCode.TRANSACTION_ABORTABLE
    assert writer.add(0, 0) == [ErrorCode.NONE]
    assert writer.verify(0) == ErrorCode.NONE
    assert writer.produce(version) == ErrorCode.NONE


def test_newer_producers_add_it_by_producing(writer: Writer) -> None:
    assert writer.produce(12) == ErrorCode.NONE
    assert writer.verify(0) == ErrorCode.NONE
    assert writer.end(5) == ErrorCode.NONE
    assert writer.epoch == 1
    assert writer.produce(12) == ErrorCode.NONE, "as soon as the markers are out"


def test_plain_batch_within_a_transaction_is_refused(writer: Writer) -> None:
    assert writer.produce(12) == ErrorCode.NONE
    assert writer.produce(12, is_transactional=False) == ErrorCode.INVALID_TXN_STATE


@pytest.mark.parametrize("version", range(6))
def test_every_version_ends_transactions(writer: Writer, version: int) -> None:
    assert writer.end(version) == ErrorCode.INVALID_TXN_STATE
    assert writer.produce(12) == ErrorCode.NONE
    assert writer.end(version) == ErrorCode.NONE
    writer.wait_until_complete()
    writer.epoch += 7
    fenced = ErrorCode.INVALID_PRODUCER_EPOCH if version < 2 else ErrorCode.PRODUCER_FENCED
    assert writer.end(version) == fenced


@pytest.mark.parametrize("is_commit", [True, False])
def test_readers_of_committed_records_wait_and_skip(client: RawClient, writer: Writer, is_commit: bool) -> None:
    assert writer.produce(12) == ErrorCode.NONE
    read = fetch(client)
    assert (read.high_watermark, read.last_stable_offset) == (1, 0)
    assert not read.records
    assert fetch(client, isolation=0).records
    assert (end_offset(client, 1), end_offset(client, 0)) == (0, 1)
    assert writer.end(5, commit=is_commit) == ErrorCode.NONE
    writer.wait_until_complete()
    read = fetch(client)
    assert (read.high_watermark, read.last_stable_offset) == (2, 2)
    assert read.records
    aborted = [(each.producer_id, each.first_offset) for each in read.aborted_transactions or []]
    assert aborted == ([] if is_commit else [(writer.producer_id, 0)])
    assert fetch(client, isolation=0).aborted_transactions is None
    assert end_offset(client, 1) == 2


@pytest.mark.parametrize("version", range(6))
@pytest.mark.parametrize("is_commit", [True, False])
def test_offsets_count_from_the_commit_on(client: RawClient, writer: Writer, version: int, is_commit: bool) -> None:
    assert client.ask(FindCoordinatorRequest(key="g"), FindCoordinatorResponse, 0).error_code == ErrorCode.NONE
    partition = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=5)
    missing = TxnOffsetCommitRequestPartition(partition_index=9, committed_offset=5)
    commit = TxnOffsetCommitRequest(
        transactional_id="tx",
        group_id="g",
        producer_id=writer.producer_id,
        producer_epoch=writer.epoch,
        topics=[TxnOffsetCommitRequestTopic(name="t", partitions=[partition, missing])],
    )

    def commit_errors() -> list[int]:
        answer = client.ask(commit, TxnOffsetCommitResponse, version)
        return [each.error_code for each in answer.topics[0].partitions]

    def committed() -> tuple[int, int]:
        request = OffsetFetchRequest(
            group_id="g",
            topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0])],
            require_stable=True,
        )
        told = client.ask(request, OffsetFetchResponse, 7).topics[0].partitions[0]
        return told.error_code, told.committed_offset

    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if version < 5:
        refusal = ErrorCode.INVALID_TXN_STATE if version < 4 else ErrorCode.TRANSACTION_ABORTABLE
        assert commit_errors() == [unknown, refusal]
        add = AddOffsetsToTxnRequest(
            transactional_id="tx", producer_id=writer.producer_id, producer_epoch=writer.epoch, group_id="g"
        )
        assert client.ask(add, AddOffsetsToTxnResponse, min(version, 4)).error_code == ErrorCode.NONE
    assert commit_errors() == [unknown, ErrorCode.NONE]
    assert committed() == (ErrorCode.UNSTABLE_OFFSET_COMMIT, -1)
    assert writer.end(5 if version == 5 else 4, commit=is_commit) == ErrorCode.NONE
    writer.wait_until_complete()
    assert committed() == (ErrorCode.NONE, 5 if is_commit else -1)


def test_tools_see_transactions_and_may_abort_them(client: RawClient, writer: Writer) -> None:
    assert writer.produce(12) == ErrorCode.NONE
    producers = DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[0, 7])])
    known, unknown = client.ask(producers, DescribeProducersResponse, 0).topics[0].partitions
    assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert [(each.producer_id, each.current_txn_start_offset) for each in known.active_producers] == [
        (writer.producer_id, 0)
    ]
    for version in range(3):
        answer = client.ask(
            ListTransactionsRequest(state_filters=["Ongoing", "Odd"]), ListTransactionsResponse, version
        )
        assert answer.unknown_state_filters == ["Odd"]
        assert [each.transactional_id for each in answer.transaction_states] == ["tx"]
    others = ListTransactionsRequest(producer_id_filters=[writer.producer_id + 1])
    assert client.ask(others, ListTransactionsResponse, 0).transaction_states == []
    described = client.ask(
        DescribeTransactionsRequest(transactional_ids=["tx", "no", ""]), DescribeTransactionsResponse, 0
    ).transaction_states
    assert [each.error_code for each in described] == [0, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, 42]
    assert [(each.topic, each.partitions) for each in described[0].topics] == [("t", [0])]
    for version in (1, 2):
        marker = WritableTxnMarker(
            producer_id=writer.producer_id,
            producer_epoch=writer.epoch,
            topics=[WritableTxnMarkerTopic(name="t", partition_indexes=[0, 7])],
        )
        markers = client.ask(WriteTxnMarkersRequest(markers=[marker]), WriteTxnMarkersResponse, version)
        codes = [each.error_code for each in markers.markers[0].topics[0].partitions]
        assert codes == [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert fetch(client).last_stable_offset == 3


def test_half_an_expected_producer_is_refused(client: RawClient) -> None:
    request = InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=1, producer_id=5)
    assert client.ask(request, InitProducerIdResponse, 3).error_code == ErrorCode.INVALID_REQUEST


def test_transaction_without_a_coordinator_is_aborted(broker: InProcessBroker, client: RawClient) -> None:
    """A crash may take the record that a transaction began and leave its batch: nobody else could end it."""
    writer = Writer(client)
    assert writer.produce(12) == ErrorCode.NONE

    def forget(server: BrokerServer) -> None:
        state = server.broker
        state.transactions.unload(state.transactions_partition_of("tx"))
        partition = state.topics.by_name["t"].partition(0)
        assert partition is not None
        state.transactions.later(abort_orphans(state, partition))

    broker.call(forget)
    for _ in range(_TRIES_MAX):
        if fetch(client).last_stable_offset == 2:
            break
    read = fetch(client)
    assert [each.first_offset for each in read.aborted_transactions or []] == [0]
