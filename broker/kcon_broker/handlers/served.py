"""Which module serves which API, in which versions? Known before any of them is loaded.

A handler's module, with its messages, is loaded when its API is first asked for, or soon after the start: loading
all of them takes longer than the rest of a start's imports. Each handler says its versions again where it is
defined, and is refused there if they are others (`registry.handles`).
"""

from typing import Final, NamedTuple


class Served(NamedTuple):
    """One API: where its handler is, and its versions."""

    module: str
    min_version: int
    max_version: int
    min_served_version: int
    """Below it, though advertised, the connection is closed (Produce 0-2)."""


SERVED: Final = {
    0: Served("produce", 0, 13, 3),
    1: Served("fetch", 4, 18, 4),
    2: Served("list_offsets", 1, 11, 1),
    3: Served("metadata", 0, 13, 0),
    8: Served("offset_commit", 2, 10, 2),
    9: Served("offset_fetch", 1, 10, 1),
    10: Served("find_coordinator", 0, 6, 0),
    11: Served("join_group", 0, 9, 0),
    12: Served("heartbeat", 0, 4, 0),
    13: Served("leave_group", 0, 5, 0),
    14: Served("sync_group", 0, 5, 0),
    15: Served("describe_groups", 0, 6, 0),
    16: Served("list_groups", 0, 5, 0),
    17: Served("sasl", 0, 1, 0),
    18: Served("api_versions", 0, 4, 0),
    19: Served("create_topics", 2, 7, 2),
    20: Served("delete_topics", 1, 6, 1),
    21: Served("delete_records", 0, 2, 0),
    22: Served("init_producer_id", 0, 5, 0),
    23: Served("offset_for_leader_epoch", 2, 4, 2),
    24: Served("add_partitions_to_txn", 0, 5, 0),
    25: Served("add_offsets_to_txn", 0, 4, 0),
    26: Served("end_txn", 0, 5, 0),
    27: Served("write_txn_markers", 1, 2, 1),
    28: Served("txn_offset_commit", 0, 5, 0),
    29: Served("describe_acls", 1, 3, 1),
    30: Served("create_acls", 1, 3, 1),
    31: Served("delete_acls", 1, 3, 1),
    32: Served("describe_configs", 1, 4, 1),
    33: Served("alter_configs", 0, 2, 0),
    34: Served("alter_replica_log_dirs", 1, 2, 1),
    35: Served("describe_log_dirs", 1, 5, 1),
    36: Served("sasl", 0, 2, 0),
    37: Served("create_partitions", 0, 3, 0),
    38: Served("delegation_tokens", 1, 3, 1),
    39: Served("delegation_tokens", 1, 2, 1),
    40: Served("delegation_tokens", 1, 2, 1),
    41: Served("delegation_tokens", 1, 3, 1),
    42: Served("delete_groups", 0, 2, 0),
    43: Served("elect_leaders", 0, 2, 0),
    44: Served("incremental_alter_configs", 0, 1, 0),
    45: Served("alter_partition_reassignments", 0, 1, 0),
    46: Served("list_partition_reassignments", 0, 0, 0),
    47: Served("offset_delete", 0, 0, 0),
    48: Served("describe_client_quotas", 0, 1, 0),
    49: Served("alter_client_quotas", 0, 1, 0),
    50: Served("describe_user_scram_credentials", 0, 0, 0),
    51: Served("alter_user_scram_credentials", 0, 0, 0),
    55: Served("describe_quorum", 0, 2, 0),
    57: Served("update_features", 0, 2, 0),
    60: Served("describe_cluster", 0, 2, 0),
    61: Served("describe_producers", 0, 0, 0),
    64: Served("unregister_broker", 0, 0, 0),
    65: Served("describe_transactions", 0, 0, 0),
    66: Served("list_transactions", 0, 2, 0),
    68: Served("consumer_group_heartbeat", 0, 1, 0),
    69: Served("consumer_group_describe", 0, 1, 0),
    74: Served("list_config_resources", 0, 1, 0),
    75: Served("describe_topic_partitions", 0, 0, 0),
    76: Served("share_groups", 1, 1, 1),
    77: Served("share_groups", 1, 1, 1),
    78: Served("share_groups", 1, 2, 1),
    79: Served("share_groups", 1, 2, 1),
    80: Served("raft_voters", 0, 1, 0),
    81: Served("raft_voters", 0, 0, 0),
    83: Served("share_group_state", 0, 0, 0),
    84: Served("share_group_state", 0, 0, 0),
    85: Served("share_group_state", 0, 1, 0),
    86: Served("share_group_state", 0, 0, 0),
    87: Served("share_group_state", 0, 1, 0),
    88: Served("streams_groups", 0, 0, 0),
    89: Served("streams_groups", 0, 0, 0),
    90: Served("share_groups", 0, 1, 0),
    91: Served("share_groups", 0, 0, 0),
    92: Served("share_groups", 0, 0, 0),
}
