"""The quick encoding of all topics is, byte for byte, what the codec makes of the same answer."""

import pytest

from kcon_broker.handlers.metadata_bodies import encode_all_topics
from kcon_broker.state.topic import Topic
from kcon_broker.wire.messages.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)


def topic(name: str, partitions: int, created_epoch: int = 0) -> Topic:
    topic_id = bytes([len(name) % 256]) * 16
    return Topic(name=name, topic_id=topic_id, partition_count=partitions, created_epoch=created_epoch, configs={})


def respond(topics: list[Topic]) -> MetadataResponse:
    return MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=1, host="localhost", port=9092, rack=None)],
        cluster_id="cluster",
        controller_id=1,
        topics=[
            MetadataResponseTopic(
                name=each.name,
                topic_id=each.topic_id,
                is_internal=each.is_internal,
                partitions=[
                    MetadataResponsePartition(
                        partition_index=index,
                        leader_id=1,
                        leader_epoch=7 - each.created_epoch,
                        replica_nodes=[1],
                        isr_nodes=[1],
                    )
                    for index in range(each.partition_count)
                ],
            )
            for each in topics
        ],
    )


@pytest.mark.parametrize("version", range(MetadataResponse.MIN_VERSION, MetadataResponse.MAX_VERSION + 1))
def test_it_is_what_the_codec_makes(version: int) -> None:
    """Names whose length takes two bytes, several shapes, an internal topic, more topics than one byte counts."""
    topics = [topic(f"t{number}", 1 + number % 3, number % 2) for number in range(300)]
    topics += [topic("n" * 249, 200), topic("n" * 127, 1), topic("n" * 126, 1), topic("__consumer_offsets", 1)]
    for some in (topics, topics[::-1], topics[-1:], topics[:1], topics[:127], topics[:126], []):
        assert encode_all_topics(some, version, respond) == respond(some).encode(version)
