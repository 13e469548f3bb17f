"""What does Apache Kafka 4.3.0 answer where light brokers go wrong, and which test shows that ours does the same?

Each answer was seen on the wire. A proof is a semantic case (`subject: statement`, or with one of its rows), which runs
on both brokers, or the id of another test. `docs/semantics.md` ends with this table; a test finds every proof.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pitfall:
    """One answer, and what shows it."""

    subject: str
    answer: str
    proofs: tuple[str, ...]


_BROKER: Final = "tests/kcon_broker"
_SESSIONS: Final = f"{_BROKER}/handlers/test_expiry.py::TestFetchSessions"
_TABLE: Final = f"{_BROKER}/state/test_fetch_sessions.py"
_SAME_TOOLS: Final = "tests/compat/test_same_tool_output.py::test_every_tool_prints_the_same_on_both"
_SAME_GROUP_TOOLS: Final = "tests/compat/test_same_group_tool_output.py"
_COMPARED: Final = "tests/differential/test_answers.py::test_both_brokers_answer_the_same"


def _pitfalls(subject: str, *rows: tuple[str, tuple[str, ...]]) -> Iterator[Pitfall]:
    for answer, proofs in rows:
        yield Pitfall(subject, answer, proofs)


PITFALLS: Final = (
    *_pitfalls(
        "Connections",
        (
            "An unsupported version, an unknown or controller-only key, a body that cannot be read: closed, no answer",
            (
                "connections: a version that is not served closes the connection",
                "connections: an api of controllers closes the connection",
                "connections: an unknown api key closes the connection",
                "connections: a body that ends early closes the connection",
                "connections: an array longer than the body closes the connection",
            ),
        ),
        (
            "Only ApiVersions answers: a v0 body, error 35, the one entry 18: 0-4, also for negative versions",
            ("connections: api versions of an unserved version is answered in version 0",),
        ),
        ("Bytes after a complete body are ignored", ("connections: bytes after a complete body are ignored",)),
        (
            "acks=0 gets no answer, and any error closes the connection; acks=2 is error 21",
            (
                "produce: acks 0 is not answered and appends",
                "produce: acks 0 with an error closes the connection",
                "produce: acks other than three are invalid required acks",
            ),
        ),
        (
            "Requests of one connection are answered in order, one at a time",
            (
                "connections: answers come in the order of the requests",
                "connections: requests sent at once are all answered",
                f"{_BROKER}/server/test_connection.py::test_pipelined_requests_are_answered_in_order",
            ),
        ),
    ),
    *_pitfalls(
        "Produce",
        (
            "A record count or last offset delta that lies: 87",
            (
                "produce: a batch is refused: one record too many told",
                "produce: a batch is refused: one record too few told",
                "produce: a batch is refused: the count alone lies",
                "produce: a batch is refused: the last delta alone lies",
            ),
        ),
        (
            "A garbage payload, or codec 7, under a valid checksum: -1",
            (
                "produce: garbage in a compressed batch is an unknown server error",
                "produce: a batch is refused: codec 7",
            ),
        ),
        ("A control batch from a client: 87", ("produce: a batch is refused: control",)),
        (
            "A record two hours ahead under an innocent header: 32 with record errors",
            (
                "produce: a record in the future hidden by the header is found",
                "produce: a record in the future is told by its place in the batch",
            ),
        ),
        (
            "Two batches, none, truncated, or magic 1: 87; a wrong checksum: 2",
            (
                "produce: a batch is refused: two batches",
                "produce: a batch is refused: nothing",
                "produce: a batch is refused: cut by a byte",
                "produce: a batch is refused: magic 1",
                "produce: a batch is refused: a wrong checksum",
            ),
        ),
        ("zstd in version 6: 76", ("produce: zstd needs version 7",)),
        (
            "Transactional without a producer id: 53; a producer id without a sequence: 87",
            (
                "transactions: a transactional batch without a producer id is refused",
                "idempotence: a producer id without a sequence is an invalid record",
            ),
        ),
        (
            "A largest timestamp in the header that lies is accepted and corrected",
            (
                "produce: a batch is taken: largest timestamp that lies",
                "produce: a largest timestamp that lies is corrected",
            ),
        ),
        (
            "Stray bytes after the batch are accepted and not written",
            ("produce: a batch is taken: stray bytes", "produce: stray bytes after the batch are not kept"),
        ),
        (
            "Larger than max.message.bytes: 10",
            ("produce: a batch up to max message bytes is taken and a byte more is not",),
        ),
        (
            "An unknown or invalid topic is 3 for Produce; 17 comes from Metadata, which also creates",
            (
                "produce: an unknown topic is unknown topic or partition and is not created",
                "produce: an invalid topic name is unknown topic or partition",
                "topics: metadata of an invalid name is invalid topic exception",
                "topics: metadata with creation creates a topic",
            ),
        ),
        (
            "A record without a key on a compacted topic: INVALID_RECORD with record errors",
            ("produce: a compacted topic refuses a record without a key and tells which",),
        ),
        (
            "An unknown producer id may start at any sequence; a gap is 45; an older epoch 47",
            (
                "idempotence: an unknown producer id may start at sequence",
                "idempotence: a gap is out of order and appends nothing",
                "idempotence: an older epoch is invalid",
            ),
        ),
        (
            "A duplicate gets the first offset, after the sync that covers the original",
            (
                "idempotence: a duplicate gets the first offset and is not appended",
                f"{_BROKER}/state/test_gate.py::test_waiter_for_an_older_offset_does_not_wait_behind_newer_ones",
            ),
        ),
    ),
    *_pitfalls(
        "ListOffsets",
        (
            "By time the smallest offset at or after the target, inside compressed batches too",
            (
                "list offsets: a time finds the first record at it inside a batch",
                "list offsets: records out of order are found by the smallest offset",
            ),
        ),
        (
            "-3 returns that record's own offset and is not known before version 7, nor -4 in version 7",
            (
                "list offsets: the largest timestamp is found with the offset of its record",
                "list offsets: the largest timestamp is not known before version 7",
                "list offsets: the local log start is not known in version 7 and is in 8",
            ),
        ),
        (
            "Version 11 has -4, -5 and -6 (offset -1, no error); -7 and below 35",
            (
                "list offsets: the last tiered offset is not known in version 8 and none in 9",
                "list offsets: the earliest pending upload is none in version 11",
                "list offsets: an unknown special value is unsupported version",
            ),
        ),
        (
            "Latest carries the current leader epoch, a record found by time its own",
            ("list offsets: a record found by time tells its leader epoch",),
        ),
    ),
    *_pitfalls(
        "Groups and transactions",
        (
            "OffsetFetch of an unknown group or partition: offset -1, no error",
            (
                "offsets: an unknown group has offset minus 1 and no error",
                "offsets: a partition without a commit has offset minus 1",
            ),
        ),
        (
            "A commit between join and sync fails; one while others are awaited is taken",
            (
                "offsets: a commit between join and sync is a rebalance in progress",
                "offsets: a commit while others are awaited is still taken",
            ),
        ),
        ("The metadata of a commit comes back", ("offsets: metadata comes back",)),
        (
            "Static members keep their assignment",
            (
                "classic groups: a static member that returns gets a new id and keeps its assignment",
                "consumer groups: a static member that leaves for a while keeps its partitions",
            ),
        ),
        (
            "A regular expression of a subscription is RE2, in linear time, or refused clearly",
            (
                "consumer groups: a regular expression is invalid",
                f"{_BROKER}/state/groups/test_topic_regex.py::test_a_hostile_expression_is_harmless",
                f"{_BROKER}/state/groups/test_topic_regex.py::test_without_the_engine_the_subscription_is_refused",
            ),
        ),
        (
            "TV2: Produce 12 and TxnOffsetCommit 5 add partitions by themselves; TV1 refuses what was not added",
            (
                "transactions: the second version adds partitions by itself",
                "transactions: the second version adds groups by itself",
                "transactions: the first version refuses a partition that was not added",
                "transactions: offsets of a group that was not added are refused in the first version",
            ),
        ),
        (
            "EndTxn answers after a durable PREPARE; CONCURRENT_TRANSACTIONS until the markers are out",
            (
                "transactions: init of an open transaction is told to wait",
                f"{_BROKER}/state/transactions/test_coordinator.py::test_decision_that_was_lost_sends_no_marker",
                f"{_BROKER}/state/transactions/test_coordinator.py::test_lost_marker_is_written_again",
            ),
        ),
        (
            "A delayed commit or abort never touches a later transaction",
            (
                f"{_BROKER}/state/transactions/test_coordinator.py::test_delayed_end_does_not_touch_the_next_transaction",
            ),
        ),
        (
            "Aborted records never reach read_committed; the last stable offset never passes an open transaction",
            (
                "transactions: aborted records never reach read committed",
                "transactions: the last stable offset is the first open transactions",
                "tests/semantics/test_models.py::test_a_broker_follows_the_model",
            ),
        ),
        ("transaction.timeout.ms is validated", ("transactions: a transaction timeout is invalid",)),
    ),
    *_pitfalls(
        "Administration",
        (
            "CreateTopics validates config values and honours validate_only",
            (
                "configs: a value is refused",
                "topics: an unknown config is invalid config",
                "topics: validate only creates nothing",
                "topics: validate only refuses what would be refused",
            ),
        ),
        (
            "All topic, group and broker configs of 4.3, with type, default and synonyms",
            (
                f"{_BROKER}/state/configs/test_definitions.py::test_there_are_as_many_as_in_kafka",
                f"{_COMPARED}[describe_configs]",
                f"{_SAME_TOOLS}[configs]",
            ),
        ),
        (
            "With the feature of eligible leader replicas a dynamic min.insync.replicas=1 is told",
            (f"{_COMPARED}[describe_configs]", f"{_SAME_TOOLS}[configs]"),
        ),
        ("An APPEND works on a default", ("configs: an append works on the default",)),
        (
            "Without an authorizer ACL requests get SECURITY_DISABLED; with one they are stored and told",
            (
                "cluster: access rules without an authorizer are security disabled",
                "tests/differential/test_answers.py::test_both_brokers_with_an_authorizer_answer_the_same",
                f"{_SAME_GROUP_TOOLS}::test_what_tells_of_everybody_and_of_access_rules_prints_the_same_on_both",
            ),
        ),
        ("ElectLeaders says ELECTION_NOT_NEEDED", ("cluster: a leader that leads need not be elected",)),
        (
            "SCRAM credentials of an unknown user: RESOURCE_NOT_FOUND",
            ("cluster: scram credentials of an unknown user are resource not found",),
        ),
        (
            "A topic deleted and made anew: UNKNOWN_TOPIC_ID, in a session INCONSISTENT_TOPIC_ID",
            (
                "topics: the old id of a topic made anew is unknown",
                "fetch sessions: a session by topic ids tells when its topic is deleted and made anew",
            ),
        ),
    ),
    *_pitfalls(
        "Fetch",
        (
            "A fetch that starts inside a batch returns that batch",
            ("fetch: a fetch inside a batch returns the whole batch",),
        ),
        (
            "A first batch larger than the limit is returned whole",
            (
                "fetch: a first batch larger than the limit is returned whole",
                "fetch: a limit of 0 bytes still returns a batch",
            ),
        ),
        (
            "Sessions behave under eviction",
            (
                f"{_SESSIONS}::test_a_full_table_gives_no_session_until_one_was_idle_for_two_minutes",
                f"{_TABLE}::test_a_larger_session_takes_the_place_of_one_in_use_that_is_not_young",
                "fetch sessions: an unknown session is not found",
            ),
        ),
        (
            "Never offset 0 for unknown",
            (
                "fetch: out of range tells no watermarks",
                "list offsets: a time after all records finds nothing and is no error",
                "offsets: an unknown topic has offset minus 1 and no error",
            ),
        ),
    ),
)


def rendered() -> Iterator[str]:
    """Yield the lines of the end of docs/semantics.md."""
    yield "## Where light brokers go wrong"
    yield ""
    yield "What Apache Kafka 4.3.0 was seen to answer in places that a small broker easily gets wrong, and what shows"
    yield "that this one answers the same: cases of the lists above, and other tests."
    yield ""
    yield "| | Answer | Shown by |"
    yield "|---|---|---|"
    for one in PITFALLS:
        proofs = "; ".join(f"`{proof.removeprefix('tests/')}`" if "::" in proof else proof for proof in one.proofs)
        yield f"| {one.subject} | {one.answer} | {proofs} |"
