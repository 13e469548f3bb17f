"""How is what changes in the metadata written in the metadata log: topics, blocks of producer ids, and the rest?

The rest is in `cluster_records`. One JSON object a record, its `type` first. A reader of a newer version may add
fields; one it does not know is an error, as it would lose data to pass over it.
"""

import json
from dataclasses import dataclass

from kcon_broker.errors import FolderUnreadableError
from kcon_broker.state.cluster_records import ClusterChange, decode_cluster_change, encode_cluster_change
from kcon_broker.state.topic import PartitionsGrew, TopicChange, TopicConfigured, TopicCreated, TopicDeleted


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerIdsReserved:
    """Every producer id below `end` may have been given."""

    end: int


MetadataChange = TopicChange | ProducerIdsReserved | ClusterChange


def encode_change(change: MetadataChange) -> bytes:
    """Return the record of one change."""
    match change:
        case TopicCreated():
            record: dict[str, object] = {
                "type": "topic_created",
                "name": change.name,
                "topic_id": change.topic_id.hex(),
                "partition_count": change.partition_count,
                "created_epoch": change.created_epoch,
                "configs": change.configs,
            }
        case TopicDeleted():
            record = {"type": "topic_deleted", "name": change.name, "topic_id": change.topic_id.hex()}
        case PartitionsGrew():
            record = {"type": "partitions_grew", "name": change.name, "partition_count": change.partition_count}
        case TopicConfigured():
            record = {"type": "topic_configured", "name": change.name, "configs": change.configs}
        case ProducerIdsReserved():
            record = {"type": "producer_ids_reserved", "end": change.end}
        case _:
            record = encode_cluster_change(change)
    return json.dumps(record, separators=(",", ":")).encode()


def decode_change(record: bytes) -> MetadataChange:
    """Return the change that a record tells; raises FolderUnreadableError."""
    try:
        fields = json.loads(record)
        match fields["type"]:
            case "topic_created":
                return TopicCreated(
                    name=fields["name"],
                    topic_id=bytes.fromhex(fields["topic_id"]),
                    partition_count=fields["partition_count"],
                    created_epoch=fields["created_epoch"],
                    configs=fields["configs"],
                )
            case "topic_deleted":
                return TopicDeleted(name=fields["name"], topic_id=bytes.fromhex(fields["topic_id"]))
            case "partitions_grew":
                return PartitionsGrew(name=fields["name"], partition_count=fields["partition_count"])
            case "topic_configured":
                return TopicConfigured(name=fields["name"], configs=fields["configs"])
            case "producer_ids_reserved":
                return ProducerIdsReserved(end=fields["end"])
        if (change := decode_cluster_change(fields)) is not None:
            return change
    except (ValueError, KeyError, TypeError) as error:
        raise FolderUnreadableError("A record of the metadata log cannot be read.") from error
    raise FolderUnreadableError(
        f"The metadata log has a record of a newer version of this program: {fields['type']!r}."
    )
