"""Which APIs does the admin client speak, and in which versions?"""

from enum import Enum
from typing import Final


class Api(Enum):
    """An API of Kafka's protocol: key, name of its schema package, and the versions we can speak."""

    LIST_OFFSETS = (2, "list_offsets", 1, 10)
    METADATA = (3, "metadata", 1, 12)
    # Version 10 names topics by id only, which a console cannot resolve for deleted topics.
    OFFSET_COMMIT = (8, "offset_commit", 2, 9)
    OFFSET_FETCH = (9, "offset_fetch", 1, 9)
    FIND_COORDINATOR = (10, "find_coordinator", 0, 6)
    DESCRIBE_GROUPS = (15, "describe_groups", 0, 6)
    LIST_GROUPS = (16, "list_groups", 0, 5)
    SASL_HANDSHAKE = (17, "sasl_handshake", 1, 1)
    API_VERSIONS = (18, "api_versions", 0, 3)
    CREATE_TOPICS = (19, "create_topics", 2, 7)
    DELETE_TOPICS = (20, "delete_topics", 1, 6)
    DESCRIBE_CONFIGS = (32, "describe_configs", 1, 4)
    SASL_AUTHENTICATE = (36, "sasl_authenticate", 0, 2)
    DELETE_GROUPS = (42, "delete_groups", 0, 2)
    INCREMENTAL_ALTER_CONFIGS = (44, "incremental_alter_configs", 0, 1)
    OFFSET_DELETE = (47, "offset_delete", 0, 0)
    DESCRIBE_CLUSTER = (60, "describe_cluster", 0, 2)
    CONSUMER_GROUP_DESCRIBE = (69, "consumer_group_describe", 0, 1)

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
