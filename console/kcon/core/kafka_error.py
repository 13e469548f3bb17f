"""What does this error code of Kafka mean? Code, name, whether trying again can help, and what to do.

One table for the admin client, the record clients and `kcon errcode`.
"""

from typing import Final

from kcon.core.frozen import Frozen
from kcon.errors import AuthError, KconError, NotFoundError, RefusedError, UnreachableError


class KafkaError(Frozen):
    """One error that a broker reported for a request or for one of its items."""

    code: int
    """Kafka's code; never 0, because 0 is success."""
    name: str
    """Kafka's name in upper case, or `UNKNOWN_ERROR_<code>` for a code newer than the table."""
    retriable: bool
    """The same request may succeed later."""
    hint: str
    """What to do next, or ""."""
    detail: str = ""
    """The broker's own words, already safe for a terminal, or ""."""

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}" if self.detail else self.name

    def lacking(self, right: str) -> "KafkaError":
        """Return this error with the right that was lacking, if it is about a right. right: an ACL operation."""
        resource = _RESOURCE_OF_RIGHT.get(self.name)
        if resource is None:
            return self
        hint = f"It takes an ACL that allows {right} on the {resource}; see `kafka-acls` or ask who runs the cluster."
        return self.with_changes(detail=f"{right} on the {resource} is not allowed", hint=hint)

    def as_exception(self, subject: str) -> KconError:
        """Return the KconError of the right kind (exit code) for `subject`, e.g. `topic orders`."""
        message = f"{subject}: {self}"
        if self.name in _AUTH:
            return AuthError(message, self.hint)
        if self.name in _NOT_FOUND:
            return NotFoundError(message, self.hint)
        if self.name in _REFUSED:
            return RefusedError(message, self.hint)
        if self.name in _UNREACHABLE:
            return UnreachableError(message, self.hint)
        return KconError(message, self.hint)


def kafka_error(code: int, detail: str = "") -> KafkaError:
    """Look up a code (not 0). detail: the broker's message, passed through `WireText` by the caller."""
    assert code != 0, "0 is not an error"
    known = _BY_CODE.get(code)
    if known is None:
        return KafkaError(
            code=code,
            name=f"UNKNOWN_ERROR_{code}",
            retriable=False,
            hint="This code is newer than this version of kcon.",
            detail=detail,
        )
    if not detail:
        return known
    return KafkaError(code=known.code, name=known.name, retriable=known.retriable, hint=known.hint, detail=detail)


def known_errors() -> tuple[KafkaError, ...]:
    """Return every error of the table, by code."""
    return tuple(_BY_CODE.values())


_RESOURCE_OF_RIGHT: Final = {
    "TOPIC_AUTHORIZATION_FAILED": "topic",
    "GROUP_AUTHORIZATION_FAILED": "group",
    "CLUSTER_AUTHORIZATION_FAILED": "cluster",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "transactional id",
}

_AUTH: Final = frozenset(
    {
        "TOPIC_AUTHORIZATION_FAILED",
        "GROUP_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
        "SASL_AUTHENTICATION_FAILED",
        "ILLEGAL_SASL_STATE",
        "UNSUPPORTED_SASL_MECHANISM",
    }
)
_NOT_FOUND: Final = frozenset(
    {
        "UNKNOWN_TOPIC_OR_PARTITION",
        "GROUP_ID_NOT_FOUND",
        "UNKNOWN_TOPIC_ID",
        "TRANSACTIONAL_ID_NOT_FOUND",
        "RESOURCE_NOT_FOUND",
    }
)
# The group has members: the same answer as kcon's own check gives.
_REFUSED: Final = frozenset({"NON_EMPTY_GROUP", "GROUP_SUBSCRIBED_TO_TOPIC"})
_UNREACHABLE: Final = frozenset({"REQUEST_TIMED_OUT", "NETWORK_EXCEPTION", "BROKER_NOT_AVAILABLE"})

_HINTS: Final[dict[str, str]] = {
    "OFFSET_OUT_OF_RANGE": "The offset is outside what the partition holds; use start, end or @TIME.",
    "UNKNOWN_TOPIC_OR_PARTITION": "Check the name with `kcon topic list`.",
    "LEADER_NOT_AVAILABLE": "The partition has no leader; check the brokers with `kcon broker list`.",
    "REQUEST_TIMED_OUT": "Try again with a longer --timeout.",
    "COORDINATOR_NOT_AVAILABLE": "The group's coordinator is not up; check that __consumer_offsets has leaders.",
    "COORDINATOR_LOAD_IN_PROGRESS": "The coordinator is still loading; try again in a moment.",
    "INVALID_TOPIC_EXCEPTION": "Topic names take letters, digits, '.', '_' and '-', at most 249 of them.",
    "UNKNOWN_MEMBER_ID": "The group has active members; stop them first.",
    "REBALANCE_IN_PROGRESS": "The group is rebalancing; wait until it is Empty or Stable.",
    "TOPIC_AUTHORIZATION_FAILED": "The user lacks a right on this topic.",
    "GROUP_AUTHORIZATION_FAILED": "The user lacks a right on this group.",
    "CLUSTER_AUTHORIZATION_FAILED": "The user lacks a right on the cluster.",
    "UNSUPPORTED_VERSION": "The broker is too old for this request.",
    "TOPIC_ALREADY_EXISTS": "Choose another name, or alter the topic.",
    "INVALID_PARTITIONS": "A topic needs at least one partition, and their count can only grow.",
    "INVALID_REPLICATION_FACTOR": "It cannot exceed the number of live brokers.",
    "INVALID_CONFIG": "Check the config's name and value.",
    "POLICY_VIOLATION": "The cluster has a policy against this; ask its owner.",
    "SECURITY_DISABLED": "The cluster has no authorizer.",
    "SASL_AUTHENTICATION_FAILED": "Check user name, password and mechanism.",
    "NON_EMPTY_GROUP": "Stop the group's members first, or wait for it to be empty.",
    "GROUP_ID_NOT_FOUND": "Check the name with `kcon group list`.",
    "TOPIC_DELETION_DISABLED": "The brokers run with delete.topic.enable=false.",
    "GROUP_SUBSCRIBED_TO_TOPIC": "Members of the group consume this topic; stop them first.",
    "UNSTABLE_OFFSET_COMMIT": "A transaction holds this commit open; try again.",
    "THROTTLING_QUOTA_EXCEEDED": "A quota holds the request back; try again later.",
    "CORRUPT_MESSAGE": "The batch fails its checksum; `kcon doctor` checks the segment files.",
    "MESSAGE_TOO_LARGE": "Raise the topic's max.message.bytes or send smaller records.",
    "NOT_ENOUGH_REPLICAS": "Fewer replicas are in sync than min.insync.replicas asks for.",
    "DELEGATION_TOKEN_AUTH_DISABLED": "The brokers have no delegation.token.secret.key.",
    "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED": "Log in by SASL or a client certificate, and not with a token.",
    "DELEGATION_TOKEN_OWNER_MISMATCH": "Only its owner and its renewers may do that.",
    "KAFKA_STORAGE_ERROR": "A disk of the broker failed; look at its log.",
}

# Code, name and retriability as in Kafka's org.apache.kafka.common.protocol.Errors.
_TABLE: Final[tuple[tuple[int, str, bool], ...]] = (
    (-1, "UNKNOWN_SERVER_ERROR", False),
    (1, "OFFSET_OUT_OF_RANGE", False),
    (2, "CORRUPT_MESSAGE", True),
    (3, "UNKNOWN_TOPIC_OR_PARTITION", True),
    (4, "INVALID_FETCH_SIZE", False),
    (5, "LEADER_NOT_AVAILABLE", True),
    (6, "NOT_LEADER_OR_FOLLOWER", True),
    (7, "REQUEST_TIMED_OUT", True),
    (8, "BROKER_NOT_AVAILABLE", False),
    (9, "REPLICA_NOT_AVAILABLE", True),
    (10, "MESSAGE_TOO_LARGE", False),
    (11, "STALE_CONTROLLER_EPOCH", False),
    (12, "OFFSET_METADATA_TOO_LARGE", False),
    (13, "NETWORK_EXCEPTION", True),
    (14, "COORDINATOR_LOAD_IN_PROGRESS", True),
    (15, "COORDINATOR_NOT_AVAILABLE", True),
    (16, "NOT_COORDINATOR", True),
    (17, "INVALID_TOPIC_EXCEPTION", False),
    (18, "RECORD_LIST_TOO_LARGE", False),
    (19, "NOT_ENOUGH_REPLICAS", True),
    (20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", True),
    (21, "INVALID_REQUIRED_ACKS", False),
    (22, "ILLEGAL_GENERATION", False),
    (23, "INCONSISTENT_GROUP_PROTOCOL", False),
    (24, "INVALID_GROUP_ID", False),
    (25, "UNKNOWN_MEMBER_ID", False),
    (26, "INVALID_SESSION_TIMEOUT", False),
    (27, "REBALANCE_IN_PROGRESS", False),
    (28, "INVALID_COMMIT_OFFSET_SIZE", False),
    (29, "TOPIC_AUTHORIZATION_FAILED", False),
    (30, "GROUP_AUTHORIZATION_FAILED", False),
    (31, "CLUSTER_AUTHORIZATION_FAILED", False),
    (32, "INVALID_TIMESTAMP", False),
    (33, "UNSUPPORTED_SASL_MECHANISM", False),
    (34, "ILLEGAL_SASL_STATE", False),
    (35, "UNSUPPORTED_VERSION", False),
    (36, "TOPIC_ALREADY_EXISTS", False),
    (37, "INVALID_PARTITIONS", False),
    (38, "INVALID_REPLICATION_FACTOR", False),
    (39, "INVALID_REPLICA_ASSIGNMENT", False),
    (40, "INVALID_CONFIG", False),
    (41, "NOT_CONTROLLER", True),
    (42, "INVALID_REQUEST", False),
    (43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", False),
    (44, "POLICY_VIOLATION", False),
    (45, "OUT_OF_ORDER_SEQUENCE_NUMBER", False),
    (46, "DUPLICATE_SEQUENCE_NUMBER", False),
    (47, "INVALID_PRODUCER_EPOCH", False),
    (48, "INVALID_TXN_STATE", False),
    (49, "INVALID_PRODUCER_ID_MAPPING", False),
    (50, "INVALID_TRANSACTION_TIMEOUT", False),
    (51, "CONCURRENT_TRANSACTIONS", True),
    (52, "TRANSACTION_COORDINATOR_FENCED", False),
    (53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", False),
    (54, "SECURITY_DISABLED", False),
    (55, "OPERATION_NOT_ATTEMPTED", False),
    (56, "KAFKA_STORAGE_ERROR", True),
    (57, "LOG_DIR_NOT_FOUND", False),
    (58, "SASL_AUTHENTICATION_FAILED", False),
    (59, "UNKNOWN_PRODUCER_ID", False),
    (60, "REASSIGNMENT_IN_PROGRESS", False),
    (61, "DELEGATION_TOKEN_AUTH_DISABLED", False),
    (62, "DELEGATION_TOKEN_NOT_FOUND", False),
    (63, "DELEGATION_TOKEN_OWNER_MISMATCH", False),
    (64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", False),
    (65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", False),
    (66, "DELEGATION_TOKEN_EXPIRED", False),
    (67, "INVALID_PRINCIPAL_TYPE", False),
    (68, "NON_EMPTY_GROUP", False),
    (69, "GROUP_ID_NOT_FOUND", False),
    (70, "FETCH_SESSION_ID_NOT_FOUND", True),
    (71, "INVALID_FETCH_SESSION_EPOCH", True),
    (72, "LISTENER_NOT_FOUND", True),
    (73, "TOPIC_DELETION_DISABLED", False),
    (74, "FENCED_LEADER_EPOCH", True),
    (75, "UNKNOWN_LEADER_EPOCH", True),
    (76, "UNSUPPORTED_COMPRESSION_TYPE", False),
    (77, "STALE_BROKER_EPOCH", False),
    (78, "OFFSET_NOT_AVAILABLE", True),
    (79, "MEMBER_ID_REQUIRED", False),
    (80, "PREFERRED_LEADER_NOT_AVAILABLE", True),
    (81, "GROUP_MAX_SIZE_REACHED", False),
    (82, "FENCED_INSTANCE_ID", False),
    (83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", True),
    (84, "ELECTION_NOT_NEEDED", True),
    (85, "NO_REASSIGNMENT_IN_PROGRESS", False),
    (86, "GROUP_SUBSCRIBED_TO_TOPIC", False),
    (87, "INVALID_RECORD", False),
    (88, "UNSTABLE_OFFSET_COMMIT", True),
    (89, "THROTTLING_QUOTA_EXCEEDED", True),
    (90, "PRODUCER_FENCED", False),
    (91, "RESOURCE_NOT_FOUND", False),
    (92, "DUPLICATE_RESOURCE", False),
    (93, "UNACCEPTABLE_CREDENTIAL", False),
    (94, "INCONSISTENT_VOTER_SET", False),
    (95, "INVALID_UPDATE_VERSION", False),
    (96, "FEATURE_UPDATE_FAILED", False),
    (97, "PRINCIPAL_DESERIALIZATION_FAILURE", False),
    (98, "SNAPSHOT_NOT_FOUND", False),
    (99, "POSITION_OUT_OF_RANGE", False),
    (100, "UNKNOWN_TOPIC_ID", True),
    (101, "DUPLICATE_BROKER_REGISTRATION", False),
    (102, "BROKER_ID_NOT_REGISTERED", False),
    (103, "INCONSISTENT_TOPIC_ID", True),
    (104, "INCONSISTENT_CLUSTER_ID", False),
    (105, "TRANSACTIONAL_ID_NOT_FOUND", False),
    (106, "FETCH_SESSION_TOPIC_ID_ERROR", True),
    (107, "INELIGIBLE_REPLICA", False),
    (108, "NEW_LEADER_ELECTED", False),
    (109, "OFFSET_MOVED_TO_TIERED_STORAGE", False),
    (110, "FENCED_MEMBER_EPOCH", False),
    (111, "UNRELEASED_INSTANCE_ID", False),
    (112, "UNSUPPORTED_ASSIGNOR", False),
    (113, "STALE_MEMBER_EPOCH", False),
    (114, "MISMATCHED_ENDPOINT_TYPE", False),
    (115, "UNSUPPORTED_ENDPOINT_TYPE", False),
    (116, "UNKNOWN_CONTROLLER_ID", False),
    (117, "UNKNOWN_SUBSCRIPTION_ID", False),
    (118, "TELEMETRY_TOO_LARGE", False),
    (119, "INVALID_REGISTRATION", False),
    (120, "TRANSACTION_ABORTABLE", False),
    (121, "INVALID_RECORD_STATE", False),
    (122, "SHARE_SESSION_NOT_FOUND", True),
    (123, "INVALID_SHARE_SESSION_EPOCH", True),
    (124, "FENCED_STATE_EPOCH", False),
    (125, "INVALID_VOTER_KEY", False),
    (126, "DUPLICATE_VOTER", False),
    (127, "VOTER_NOT_FOUND", False),
    (128, "INVALID_REGULAR_EXPRESSION", False),
    (129, "REBOOTSTRAP_REQUIRED", False),
    (130, "STREAMS_INVALID_TOPOLOGY", False),
    (131, "STREAMS_INVALID_TOPOLOGY_EPOCH", False),
    (132, "STREAMS_TOPOLOGY_FENCED", False),
    (133, "SHARE_SESSION_LIMIT_REACHED", True),
)

_BY_CODE: Final[dict[int, KafkaError]] = {
    code: KafkaError(code=code, name=name, retriable=retriable, hint=_HINTS.get(name, ""))
    for code, name, retriable in _TABLE
}
