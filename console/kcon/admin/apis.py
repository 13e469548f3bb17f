"""Which APIs does the admin client speak, and in which versions?"""

from enum import Enum
from typing import Final


class Api(Enum):
    """An API of Kafka's protocol: key, name of its schema package, and the versions we can speak."""

    # From version 13 on a topic is named by its id, which a fetch of one batch need not look up.
    FETCH = (1, "fetch", 4, 12)
    LIST_OFFSETS = (2, "list_offsets", 1, 10)
    METADATA = (3, "metadata", 1, 12)
    # Version 10 names topics by id only, which a console cannot resolve for deleted topics.
    OFFSET_COMMIT = (8, "offset_commit", 2, 9)
    OFFSET_FETCH = (9, "offset_fetch", 1, 9)
    FIND_COORDINATOR = (10, "find_coordinator", 0, 6)
    LEAVE_GROUP = (13, "leave_group", 3, 5)
    DESCRIBE_GROUPS = (15, "describe_groups", 0, 6)
    LIST_GROUPS = (16, "list_groups", 0, 5)
    SASL_HANDSHAKE = (17, "sasl_handshake", 1, 1)
    API_VERSIONS = (18, "api_versions", 0, 3)
    CREATE_TOPICS = (19, "create_topics", 2, 7)
    DELETE_TOPICS = (20, "delete_topics", 1, 6)
    DELETE_RECORDS = (21, "delete_records", 0, 2)
    # Version 6 is for two-phase commit (KIP-939), which is not for consoles.
    INIT_PRODUCER_ID = (22, "init_producer_id", 0, 5)
    WRITE_TXN_MARKERS = (27, "write_txn_markers", 1, 1)
    DESCRIBE_ACLS = (29, "describe_acls", 1, 3)
    CREATE_ACLS = (30, "create_acls", 1, 3)
    DELETE_ACLS = (31, "delete_acls", 1, 3)
    DESCRIBE_CONFIGS = (32, "describe_configs", 1, 4)
    ALTER_REPLICA_LOG_DIRS = (34, "alter_replica_log_dirs", 1, 2)
    DESCRIBE_LOG_DIRS = (35, "describe_log_dirs", 1, 5)
    SASL_AUTHENTICATE = (36, "sasl_authenticate", 0, 2)
    CREATE_PARTITIONS = (37, "create_partitions", 0, 3)
    CREATE_DELEGATION_TOKEN = (38, "create_delegation_token", 1, 3)
    RENEW_DELEGATION_TOKEN = (39, "renew_delegation_token", 1, 2)
    EXPIRE_DELEGATION_TOKEN = (40, "expire_delegation_token", 1, 2)
    DESCRIBE_DELEGATION_TOKEN = (41, "describe_delegation_token", 1, 3)
    DELETE_GROUPS = (42, "delete_groups", 0, 2)
    ELECT_LEADERS = (43, "elect_leaders", 0, 2)
    INCREMENTAL_ALTER_CONFIGS = (44, "incremental_alter_configs", 0, 1)
    ALTER_PARTITION_REASSIGNMENTS = (45, "alter_partition_reassignments", 0, 1)
    LIST_PARTITION_REASSIGNMENTS = (46, "list_partition_reassignments", 0, 0)
    OFFSET_DELETE = (47, "offset_delete", 0, 0)
    DESCRIBE_CLIENT_QUOTAS = (48, "describe_client_quotas", 0, 1)
    ALTER_CLIENT_QUOTAS = (49, "alter_client_quotas", 0, 1)
    DESCRIBE_USER_SCRAM_CREDENTIALS = (50, "describe_user_scram_credentials", 0, 0)
    ALTER_USER_SCRAM_CREDENTIALS = (51, "alter_user_scram_credentials", 0, 0)
    DESCRIBE_QUORUM = (55, "describe_quorum", 0, 2)
    UPDATE_FEATURES = (57, "update_features", 0, 2)
    DESCRIBE_CLUSTER = (60, "describe_cluster", 0, 2)
    DESCRIBE_PRODUCERS = (61, "describe_producers", 0, 0)
    UNREGISTER_BROKER = (64, "unregister_broker", 0, 0)
    DESCRIBE_TRANSACTIONS = (65, "describe_transactions", 0, 0)
    LIST_TRANSACTIONS = (66, "list_transactions", 0, 2)
    CONSUMER_GROUP_DESCRIBE = (69, "consumer_group_describe", 0, 1)
    LIST_CONFIG_RESOURCES = (74, "list_config_resources", 0, 1)
    DESCRIBE_TOPIC_PARTITIONS = (75, "describe_topic_partitions", 0, 0)
    SHARE_GROUP_DESCRIBE = (77, "share_group_describe", 1, 1)
    ADD_RAFT_VOTER = (80, "add_raft_voter", 0, 1)
    REMOVE_RAFT_VOTER = (81, "remove_raft_voter", 0, 0)
    STREAMS_GROUP_DESCRIBE = (89, "streams_group_describe", 0, 0)
    ALTER_SHARE_GROUP_OFFSETS = (91, "alter_share_group_offsets", 0, 0)
    DELETE_SHARE_GROUP_OFFSETS = (92, "delete_share_group_offsets", 0, 0)
    DESCRIBE_SHARE_GROUP_OFFSETS = (90, "describe_share_group_offsets", 0, 1)

    def __init__(self, key: int, schema: str, version_min: int, version_max: int) -> None:
        self.key = key
        self.schema = schema
        self.version_min = version_min
        self.version_max = version_max

    @property
    def title(self) -> str:
        """Kafka's name of the API, e.g. `ListOffsets`."""
        return self.schema.title().replace("_", "")


OFFSETS_TOPIC: Final = "__consumer_offsets"
"""Kafka's topic of commits. The first coordinator look-up creates it."""
