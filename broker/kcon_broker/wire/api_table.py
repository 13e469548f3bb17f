"""Which messages belong to an API key, in which versions, and where their classes are.

The classes are imported when first asked for: a start needs few of them.
"""

from importlib import import_module
from typing import Final, NamedTuple

from kcon_broker.wire.schema import ApiMessage


class ApiSpec(NamedTuple):
    """One API as Apache Kafka 4.3 defines it; `flexible_since` is None where no version is flexible."""

    module: str
    name: str
    min_version: int
    max_version: int
    flexible_since: int | None

    def is_flexible(self, version: int) -> bool:
        """Say whether the messages of this version use compact lengths and tagged fields."""
        return self.flexible_since is not None and version >= self.flexible_since

    @property
    def request_class(self) -> type[ApiMessage]:
        """Return the class of the request, importing its module."""
        found: type[ApiMessage] = getattr(self._messages(), f"{self.name}Request")
        return found

    @property
    def response_class(self) -> type[ApiMessage]:
        """Return the class of the response, importing its module."""
        found: type[ApiMessage] = getattr(self._messages(), f"{self.name}Response")
        return found

    def _messages(self) -> object:
        return import_module(f"kcon_broker.wire.messages.{self.module}")


API_TABLE: Final = {
    0: ApiSpec("produce", "Produce", 3, 13, 9),
    1: ApiSpec("fetch", "Fetch", 4, 18, 12),
    2: ApiSpec("list_offsets", "ListOffsets", 1, 11, 6),
    3: ApiSpec("metadata", "Metadata", 0, 13, 9),
    8: ApiSpec("offset_commit", "OffsetCommit", 2, 10, 8),
    9: ApiSpec("offset_fetch", "OffsetFetch", 1, 10, 6),
    10: ApiSpec("find_coordinator", "FindCoordinator", 0, 6, 3),
    11: ApiSpec("join_group", "JoinGroup", 0, 9, 6),
    12: ApiSpec("heartbeat", "Heartbeat", 0, 4, 4),
    13: ApiSpec("leave_group", "LeaveGroup", 0, 5, 4),
    14: ApiSpec("sync_group", "SyncGroup", 0, 5, 4),
    15: ApiSpec("describe_groups", "DescribeGroups", 0, 6, 5),
    16: ApiSpec("list_groups", "ListGroups", 0, 5, 3),
    17: ApiSpec("sasl_handshake", "SaslHandshake", 0, 1, None),
    18: ApiSpec("api_versions", "ApiVersions", 0, 4, 3),
    19: ApiSpec("create_topics", "CreateTopics", 2, 7, 5),
    20: ApiSpec("delete_topics", "DeleteTopics", 1, 6, 4),
    21: ApiSpec("delete_records", "DeleteRecords", 0, 2, 2),
    22: ApiSpec("init_producer_id", "InitProducerId", 0, 6, 2),
    23: ApiSpec("offset_for_leader_epoch", "OffsetForLeaderEpoch", 2, 4, 4),
    24: ApiSpec("add_partitions_to_txn", "AddPartitionsToTxn", 0, 5, 3),
    25: ApiSpec("add_offsets_to_txn", "AddOffsetsToTxn", 0, 4, 3),
    26: ApiSpec("end_txn", "EndTxn", 0, 5, 3),
    27: ApiSpec("write_txn_markers", "WriteTxnMarkers", 1, 2, 1),
    28: ApiSpec("txn_offset_commit", "TxnOffsetCommit", 0, 5, 3),
    29: ApiSpec("describe_acls", "DescribeAcls", 1, 3, 2),
    30: ApiSpec("create_acls", "CreateAcls", 1, 3, 2),
    31: ApiSpec("delete_acls", "DeleteAcls", 1, 3, 2),
    32: ApiSpec("describe_configs", "DescribeConfigs", 1, 4, 4),
    33: ApiSpec("alter_configs", "AlterConfigs", 0, 2, 2),
    34: ApiSpec("alter_replica_log_dirs", "AlterReplicaLogDirs", 1, 2, 2),
    35: ApiSpec("describe_log_dirs", "DescribeLogDirs", 1, 5, 2),
    36: ApiSpec("sasl_authenticate", "SaslAuthenticate", 0, 2, 2),
    37: ApiSpec("create_partitions", "CreatePartitions", 0, 3, 2),
    38: ApiSpec("create_delegation_token", "CreateDelegationToken", 1, 3, 2),
    39: ApiSpec("renew_delegation_token", "RenewDelegationToken", 1, 2, 2),
    40: ApiSpec("expire_delegation_token", "ExpireDelegationToken", 1, 2, 2),
    41: ApiSpec("describe_delegation_token", "DescribeDelegationToken", 1, 3, 2),
    42: ApiSpec("delete_groups", "DeleteGroups", 0, 2, 2),
    43: ApiSpec("elect_leaders", "ElectLeaders", 0, 2, 2),
    44: ApiSpec("incremental_alter_configs", "IncrementalAlterConfigs", 0, 1, 1),
    45: ApiSpec("alter_partition_reassignments", "AlterPartitionReassignments", 0, 1, 0),
    46: ApiSpec("list_partition_reassignments", "ListPartitionReassignments", 0, 0, 0),
    47: ApiSpec("offset_delete", "OffsetDelete", 0, 0, None),
    48: ApiSpec("describe_client_quotas", "DescribeClientQuotas", 0, 1, 1),
    49: ApiSpec("alter_client_quotas", "AlterClientQuotas", 0, 1, 1),
    50: ApiSpec("describe_user_scram_credentials", "DescribeUserScramCredentials", 0, 0, 0),
    51: ApiSpec("alter_user_scram_credentials", "AlterUserScramCredentials", 0, 0, 0),
    55: ApiSpec("describe_quorum", "DescribeQuorum", 0, 2, 0),
    57: ApiSpec("update_features", "UpdateFeatures", 0, 2, 0),
    60: ApiSpec("describe_cluster", "DescribeCluster", 0, 2, 0),
    61: ApiSpec("describe_producers", "DescribeProducers", 0, 0, 0),
    64: ApiSpec("unregister_broker", "UnregisterBroker", 0, 0, 0),
    65: ApiSpec("describe_transactions", "DescribeTransactions", 0, 0, 0),
    66: ApiSpec("list_transactions", "ListTransactions", 0, 2, 0),
    68: ApiSpec("consumer_group_heartbeat", "ConsumerGroupHeartbeat", 0, 1, 0),
    69: ApiSpec("consumer_group_describe", "ConsumerGroupDescribe", 0, 1, 0),
    71: ApiSpec("get_telemetry_subscriptions", "GetTelemetrySubscriptions", 0, 0, 0),
    72: ApiSpec("push_telemetry", "PushTelemetry", 0, 0, 0),
    74: ApiSpec("list_config_resources", "ListConfigResources", 0, 1, 0),
    75: ApiSpec("describe_topic_partitions", "DescribeTopicPartitions", 0, 0, 0),
    76: ApiSpec("share_group_heartbeat", "ShareGroupHeartbeat", 1, 1, 1),
    77: ApiSpec("share_group_describe", "ShareGroupDescribe", 1, 1, 1),
    78: ApiSpec("share_fetch", "ShareFetch", 1, 2, 1),
    79: ApiSpec("share_acknowledge", "ShareAcknowledge", 1, 2, 1),
    80: ApiSpec("add_raft_voter", "AddRaftVoter", 0, 1, 0),
    81: ApiSpec("remove_raft_voter", "RemoveRaftVoter", 0, 0, 0),
    83: ApiSpec("initialize_share_group_state", "InitializeShareGroupState", 0, 0, 0),
    84: ApiSpec("read_share_group_state", "ReadShareGroupState", 0, 0, 0),
    85: ApiSpec("write_share_group_state", "WriteShareGroupState", 0, 1, 0),
    86: ApiSpec("delete_share_group_state", "DeleteShareGroupState", 0, 0, 0),
    87: ApiSpec("read_share_group_state_summary", "ReadShareGroupStateSummary", 0, 1, 0),
    88: ApiSpec("streams_group_heartbeat", "StreamsGroupHeartbeat", 0, 0, 0),
    89: ApiSpec("streams_group_describe", "StreamsGroupDescribe", 0, 0, 0),
    90: ApiSpec("describe_share_group_offsets", "DescribeShareGroupOffsets", 0, 1, 0),
    91: ApiSpec("alter_share_group_offsets", "AlterShareGroupOffsets", 0, 0, 0),
    92: ApiSpec("delete_share_group_offsets", "DeleteShareGroupOffsets", 0, 0, 0),
}
