"""In which fields may our broker answer otherwise than Apache Kafka, how far, and why?

Each line names one field; there are no wildcards. A difference in any other field is a bug. `docs/differences.md`
is this table: run `python -m tests.differential.permitted > docs/differences.md` after a change.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.differential.header_mode import HEADER_MODE


class How(StrEnum):
    """How far a field may differ."""

    BOTH_SET = "set or unset alike"
    """Null, empty, zero or negative on one side means the same value on the other; else any two values."""
    FREE = "any value"
    ANY_ORDER = "the same elements in any order"
    FEWER = "a part of Apache Kafka's elements"


@dataclass(frozen=True, slots=True)
class Permitted:
    """One field that may differ."""

    field: str
    """The API, then the names of fields down to one, without indexes.

    `configs[node.id].value` is the value of the one config with this name, in a list where entries have names.
    """
    how: How
    why: str
    situation: str = ""
    """Only in steps that say they are in this situation; empty: always."""


_PORT = "Each broker listens on a port of its own."
_WORDING = "The error code says what is wrong; the sentence beside it is for people and is our own."
_CLUSTER = "Each cluster has an id of its own."
_LIMITS = "This broker is made for one machine: its default is a limit, or a shorter time, of its own."
_ADDRESS = "Each broker has an address, and a folder, of its own."
_QUORUM = "Each cluster counts its own metadata."
_CLOCK = "Each broker's own clock."
_HASH_ORDER = "Apache Kafka's order is that of a hash map."

_CONFIGS: Final = "DescribeConfigs.results.configs"
_OWN_DEFAULTS: Final = (
    "group.consumer.max.size",
    "group.max.size",
    "log.cleaner.dedupe.buffer.size",
    "log.retention.check.interval.ms",
    "max.connection.creation.rate",
    "max.connections",
    "max.connections.per.ip",
    "num.partitions",
    "offsets.topic.segment.bytes",
)
_ADDRESSES: Final = ("advertised.listeners", "controller.quorum.voters", "listeners", "log.dirs")


def _config_permissions() -> Iterator[Permitted]:
    for name in _OWN_DEFAULTS:
        yield Permitted(f"{_CONFIGS}[{name}].value", How.BOTH_SET, _LIMITS)
        yield Permitted(f"{_CONFIGS}[{name}].config_source", How.BOTH_SET, _LIMITS)
        yield Permitted(f"{_CONFIGS}[{name}].synonyms", How.FREE, _LIMITS)
    for name in _ADDRESSES:
        yield Permitted(f"{_CONFIGS}[{name}].value", How.BOTH_SET, _ADDRESS)
        yield Permitted(f"{_CONFIGS}[{name}].synonyms.value", How.BOTH_SET, _ADDRESS)
    yield Permitted(f"{_CONFIGS}[root].value", How.BOTH_SET, "Each program logs as much as it was told to.")


PERMITTED: Final = (
    Permitted("ApiVersions.api_keys", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ApiVersions.supported_features", How.FEWER, "Features of what is not served are not offered."),
    Permitted("ApiVersions.supported_features", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ApiVersions.finalized_features", How.FEWER, "Features of what is not served are not finalized."),
    Permitted("ApiVersions.finalized_features", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ApiVersions.finalized_features_epoch", How.BOTH_SET, "It counts changes of each cluster's metadata."),
    Permitted("Metadata.brokers.port", How.BOTH_SET, _PORT),
    Permitted("Metadata.cluster_id", How.BOTH_SET, _CLUSTER),
    Permitted("Metadata.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeCluster.brokers.port", How.BOTH_SET, _PORT),
    Permitted("DescribeCluster.cluster_id", How.BOTH_SET, _CLUSTER),
    Permitted("DescribeCluster.error_message", How.BOTH_SET, _WORDING),
    Permitted("FindCoordinator.port", How.BOTH_SET, _PORT),
    Permitted("FindCoordinator.coordinators.port", How.BOTH_SET, _PORT),
    Permitted("FindCoordinator.error_message", How.BOTH_SET, _WORDING),
    Permitted("FindCoordinator.coordinators.error_message", How.BOTH_SET, _WORDING),
    Permitted("CreateTopics.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("CreateTopics.topics.error_message", How.BOTH_SET, _WORDING),
    Permitted("CreatePartitions.results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("CreatePartitions.results.error_message", How.BOTH_SET, _WORDING),
    Permitted("DeleteTopics.responses", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DeleteTopics.responses.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeConfigs.results.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeConfigs.results.configs", How.ANY_ORDER, _HASH_ORDER),
    Permitted(
        "DescribeConfigs.results.configs.documentation", How.BOTH_SET, "The sentences about configs are our own."
    ),
    *_config_permissions(),
    Permitted("DescribeConfigs.results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeLogDirs.results.log_dir", How.BOTH_SET, "Each broker has a folder of its own."),
    Permitted("DescribeLogDirs.results.total_bytes", How.FREE, "It is the disk of each folder."),
    Permitted("DescribeLogDirs.results.usable_bytes", How.FREE, "It is the disk of each folder."),
    Permitted("DescribeLogDirs.results.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeLogDirs.results.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted(
        "DescribeLogDirs.results.topics.partitions.partition_size",
        How.BOTH_SET,
        "What a broker compressed anew has a size of its own.",
        "all topics",
    ),
    Permitted("AlterConfigs.responses.error_message", How.BOTH_SET, _WORDING),
    Permitted("IncrementalAlterConfigs.responses.error_message", How.BOTH_SET, _WORDING),
    Permitted("CreateAcls.results.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeAcls.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeAcls.resources", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeAcls.resources.acls", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DeleteAcls.filter_results.error_message", How.BOTH_SET, _WORDING),
    Permitted("DeleteAcls.filter_results.matching_acls", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterClientQuotas.entries", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterClientQuotas.entries.entity", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterClientQuotas.entries.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeClientQuotas.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeClientQuotas.entries", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeClientQuotas.entries.entity", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeClientQuotas.entries.values", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterUserScramCredentials.results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterUserScramCredentials.results.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeUserScramCredentials.results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeUserScramCredentials.results.error_message", How.BOTH_SET, _WORDING),
    Permitted("AlterReplicaLogDirs.results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterReplicaLogDirs.results.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AlterPartitionReassignments.responses.partitions.error_message", How.BOTH_SET, _WORDING),
    Permitted("ElectLeaders.replica_election_results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ElectLeaders.replica_election_results.partition_result", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ElectLeaders.replica_election_results.partition_result.error_message", How.BOTH_SET, _WORDING),
    Permitted("DescribeQuorum.topics.partitions.leader_epoch", How.BOTH_SET, _QUORUM),
    Permitted("DescribeQuorum.topics.partitions.high_watermark", How.BOTH_SET, _QUORUM),
    Permitted("DescribeQuorum.topics.partitions.current_voters.log_end_offset", How.BOTH_SET, _QUORUM),
    Permitted("DescribeQuorum.topics.partitions.current_voters.last_fetch_timestamp", How.BOTH_SET, _CLOCK),
    Permitted("DescribeQuorum.topics.partitions.current_voters.last_caught_up_timestamp", How.BOTH_SET, _CLOCK),
    Permitted("DescribeQuorum.nodes.listeners.port", How.BOTH_SET, _PORT),
    Permitted("UpdateFeatures.error_message", How.BOTH_SET, _WORDING),
    Permitted("UpdateFeatures.results", How.ANY_ORDER, _HASH_ORDER),
    Permitted("UnregisterBroker.error_message", How.BOTH_SET, _WORDING),
    Permitted("AddRaftVoter.error_message", How.BOTH_SET, _WORDING),
    Permitted("RemoveRaftVoter.error_message", How.BOTH_SET, _WORDING),
    Permitted("ListConfigResources.config_resources", How.ANY_ORDER, _HASH_ORDER),
    Permitted("Produce.responses", How.ANY_ORDER, _HASH_ORDER),
    Permitted("Produce.responses.partition_responses", How.ANY_ORDER, _HASH_ORDER),
    Permitted(
        "Produce.responses.partition_responses.error_message",
        How.FREE,
        "A sentence is told also where Apache Kafka tells only the code.",
    ),
    Permitted("Produce.responses.partition_responses.record_errors.batch_index_error_message", How.BOTH_SET, _WORDING),
    Permitted("Produce.responses.partition_responses.log_append_time_ms", How.BOTH_SET, "Each broker's own clock."),
    Permitted("ListOffsets.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ListOffsets.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ListOffsets.topics.partitions.timestamp", How.BOTH_SET, "Each broker's own clock.", "append time"),
    Permitted("DeleteRecords.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DeleteRecords.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("OffsetFetch.groups.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("OffsetFetch.groups.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("OffsetFetch.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("OffsetFetch.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("OffsetDelete.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("OffsetDelete.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("Fetch.responses", How.ANY_ORDER, "Apache Kafka puts partitions with an early error last."),
    Permitted("Fetch.responses.partitions", How.ANY_ORDER, "Apache Kafka puts partitions with an early error last."),
    Permitted("Fetch.session_id", How.BOTH_SET, "Each broker numbers its sessions."),
    Permitted(
        "Fetch.responses.partitions.records.base_timestamp", How.BOTH_SET, "Each broker's own clock.", "append time"
    ),
    Permitted(
        "Fetch.responses.partitions.records.max_timestamp", How.BOTH_SET, "Each broker's own clock.", "append time"
    ),
    Permitted(
        "Fetch.responses.partitions.records.records.timestamp_ms",
        How.BOTH_SET,
        "Each broker's own clock.",
        "append time",
    ),
    Permitted("Fetch.responses.partitions.records.base_timestamp", How.BOTH_SET, "Each broker's own clock.", "markers"),
    Permitted("Fetch.responses.partitions.records.max_timestamp", How.BOTH_SET, "Each broker's own clock.", "markers"),
    Permitted(
        "Fetch.responses.partitions.records.records.timestamp_ms", How.BOTH_SET, "Each broker's own clock.", "markers"
    ),
    Permitted(
        "DescribeTransactions.transaction_states.transaction_start_time_ms",
        How.BOTH_SET,
        "Each broker's own clock.",
    ),
    Permitted("AddPartitionsToTxn.results_by_topic_v3_and_below", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AddPartitionsToTxn.results_by_topic_v3_and_below.results_by_partition", How.ANY_ORDER, _HASH_ORDER),
    Permitted("AddPartitionsToTxn.results_by_transaction.topic_results", How.ANY_ORDER, _HASH_ORDER),
    Permitted(
        "AddPartitionsToTxn.results_by_transaction.topic_results.results_by_partition", How.ANY_ORDER, _HASH_ORDER
    ),
    Permitted("DescribeTransactions.transaction_states.topics", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeTransactions.transaction_states.topics.partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeTransactions.transaction_states", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeProducers.topics.partitions.error_message", How.BOTH_SET, _WORDING),
    Permitted("InitProducerId.producer_id", How.BOTH_SET, "Each cluster gives its own ids."),
    Permitted("ConsumerGroupHeartbeat.error_message", How.BOTH_SET, _WORDING),
    Permitted("ConsumerGroupHeartbeat.assignment.topic_partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ConsumerGroupDescribe.groups", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ConsumerGroupDescribe.groups.members", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ConsumerGroupDescribe.groups.error_message", How.BOTH_SET, _WORDING),
    Permitted("ConsumerGroupDescribe.groups.members.subscribed_topic_names", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ConsumerGroupDescribe.groups.members.assignment.topic_partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ConsumerGroupDescribe.groups.members.target_assignment.topic_partitions", How.ANY_ORDER, _HASH_ORDER),
    Permitted("ListGroups.groups", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DescribeGroups.groups", How.ANY_ORDER, _HASH_ORDER),
    Permitted("DeleteGroups.results", How.ANY_ORDER, _HASH_ORDER),
)


def permitted(field: str, situations: frozenset[str]) -> list[Permitted]:
    """Return what is permitted for a field in these situations, by its entry's name or of any entry."""
    named, plain = _BY_FIELD.get(field, []), _BY_FIELD.get(_NAME.sub("", field), [])
    found = named if named is plain else [*plain, *named]
    return [one for one in found if not one.situation or one.situation in situations]


def entry_field(field: str, entry: object) -> str:
    """Return the field of one entry of a list: with its name, where something is permitted for that one alone."""
    name = entry.get("name") if isinstance(entry, dict) else None
    named = f"{field}[{name}]"
    return named if named in _NAMED_ENTRIES else field


_NAME: Final = re.compile(r"\[[^]]*\]")
_BY_FIELD: Final[dict[str, list[Permitted]]] = {}
for _one in PERMITTED:
    _BY_FIELD.setdefault(_one.field, []).append(_one)
_NAMED_ENTRIES: Final = {_one.field[: _one.field.rindex("]") + 1] for _one in PERMITTED if "]" in _one.field}


@dataclass(frozen=True, slots=True)
class Choice:
    """A difference that is a decision, and shows in more than one field or outside of answers."""

    what: str
    apache: str
    ours: str
    why: str


CHOICES: Final = (
    Choice(
        "A topic that comes into being by being asked for",
        "has 1 partition (`num.partitions`) and is UNKNOWN_TOPIC_OR_PARTITION in the first answer",
        "has 4 partitions and is there in the first answer",
        "One partition hides what several consumers do; a client need not ask twice.",
    ),
    Choice(
        "The first FindCoordinator of a cluster",
        "COORDINATOR_NOT_AVAILABLE, until `__consumer_offsets` has been created",
        "the coordinator",
        "The topic is there at once.",
    ),
    Choice(
        "Share groups and streams groups",
        "`share.version` and `streams.version` are at 1",
        "both features are at 0: their APIs are there and answer UNSUPPORTED_VERSION, as Apache Kafka's do at 0",
        "They are not built yet; a client still sees one release.",
    ),
    Choice(
        "A full disk",
        "takes the folder offline and may end the process",
        "answers KAFKA_STORAGE_ERROR to Produce, serves the rest, and goes on when there is room",
        "One full disk must not need a restart.",
    ),
    Choice(
        "A disk with less than 64 MiB of room, or a fiftieth of a small one",
        "is written on until it is full",
        "takes no more records (KAFKA_STORAGE_ERROR) until there is twice as much room",
        "Commits, and a start, need some.",
    ),
    Choice(
        "A connection beyond `max.connections`",
        "waits to be accepted until another ends",
        "takes the place of who has asked for nothing for longest, if that is 10 seconds or more; is closed otherwise."
        " The last ten places, a tenth at most, are for administration: who produces, fetches or joins a group there is"
        " closed",
        "An operator gets in beside clients that only hold their places, and beside those that use them.",
    ),
    Choice(
        "The first request of a connection",
        "has as many bytes as any other (`socket.request.max.bytes`), and may come as late as a connection may idle",
        "has at most 512 KiB, and comes within 10 seconds; the connection is closed otherwise",
        "Nobody has shown to be a client of Kafka yet.",
    ),
    Choice(
        "A request that began and does not end, an answer that its client does not take",
        "may take as long as a connection may idle (`connections.max.idle.ms`)",
        "closes the connection after 30 seconds without an end, or without a byte taken",
        "A slow client must not hold memory that others need.",
    ),
    Choice(
        "A request to change topics with a timeout of 0 or less",
        "REQUEST_TIMED_OUT",
        "does it",
        "There is no other node to wait for.",
    ),
    Choice(
        "A compact length of 2^31 or more",
        "null, where null may stand",
        "closes the connection",
        "No client means it.",
    ),
    Choice(
        "AddPartitionsToTxn of version 4 or 5 with no transaction",
        "never answers",
        "an empty list",
        "A client should not wait for nothing.",
    ),
    Choice(
        "Produce with null instead of a batch",
        "never answers",
        "INVALID_RECORD",
        "A client should not wait for nothing.",
    ),
    Choice(
        "A fetched batch that a limit cuts",
        "the part of it that fits is sent, and counts for the limit",
        "is left out, and the next partition may have the room",
        "Clients throw the part away.",
    ),
    Choice(
        "AlterConfigs that names one topic twice",
        "never answers",
        "changes the topic once and answers INVALID_REQUEST for the second",
        "A client should not wait for nothing.",
    ),
    Choice(
        "A regular expression in a subscription, without the extra `regex`",
        "is served",
        "INVALID_REGULAR_EXPRESSION",
        "The engine must be linear in time, and is optional.",
    ),
    Choice(
        "More than one replica",
        "INVALID_REPLICATION_FACTOR beyond the number of brokers",
        "INVALID_REPLICATION_FACTOR beyond one",
        "There is one node, and it says so.",
    ),
)


def render() -> str:
    """Return docs/differences.md."""
    lines = [
        "# Differences from Apache Kafka",
        "",
        "The broker is compared with Apache Kafka 4.3.0: the same requests go to both, and the answers are compared",
        "field by field. These are the only fields that may differ. The page is made from the table that the",
        "comparison itself reads, `tests/differential/permitted.py`.",
        "",
        "| Field | May be | Why |",
        "|---|---|---|",
    ]
    for one in sorted(PERMITTED, key=lambda permitted: (permitted.field, permitted.situation)):
        only = f" (only: {one.situation})" if one.situation else ""
        lines.append(f"| `{one.field}` | {one.how.value}{only} | {one.why} |")
    lines += [
        "",
        "Ids that a broker chooses (topic ids, member ids, producer ids in records) are compared by what they stand",
        "for.",
        "",
        "## Differences by choice",
        "",
        "| What | Apache Kafka 4.3.0 | kcon | Why |",
        "|---|---|---|---|",
    ]
    lines += [f"| {one.what} | {one.apache} | {one.ours} | {one.why} |" for one in CHOICES]
    lines += [
        "",
        "## With `record.validation=header`",
        "",
        "By default every record of a batch is looked at, and the answers are Apache Kafka's. Where only the header",
        "is, these batches are judged otherwise; what a bad one holds is for its readers to find out.",
        "",
        "| Batch | Its records | Apache Kafka, and `full` | `header` |",
        "|---|---|---|---|",
    ]
    lines += [f"| {one.batch} | {one.stored} | {one.full} | {one.header} |" for one in HEADER_MODE]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
