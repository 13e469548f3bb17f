"""The sizes that capacity questions are answered with."""

from pathlib import Path

from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
)
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from tests.kcon_broker.raw_client import RawClient, batch, produce


def test_sizes_of_partitions(client: RawClient) -> None:
    records = batch(b"x" * 1_000)
    assert produce(client, "t", records, partition=1).error_code == ErrorCode.NONE
    wanted = [
        DescribableLogDirTopic(topic="t", partitions=[1, 7]),
        DescribableLogDirTopic(topic="nope", partitions=[0]),
    ]
    for request in (DescribeLogDirsRequest(topics=None), DescribeLogDirsRequest(topics=wanted)):
        (result,) = client.ask(request, DescribeLogDirsResponse, 4).results
        sizes = {entry.partition_index: entry.partition_size for entry in result.topics[0].partitions}
        assert [topic.name for topic in result.topics] == ["t"]
        assert sizes == ({0: 0, 1: len(records)} if request.topics is None else {1: len(records)})


def test_space_of_a_real_disk(tmp_path: Path) -> None:
    with InProcessBroker(tmp_path) as broker, RawClient(broker.bootstrap) as client:
        request = MetadataRequest(topics=[MetadataRequestTopic(name="t")])
        client.ask(request, MetadataResponse, 9)
        (result,) = client.ask(DescribeLogDirsRequest(topics=None), DescribeLogDirsResponse, 5).results
    assert result.log_dir == str(tmp_path)
    assert 0 < result.usable_bytes <= result.total_bytes
