"""How does a test commit for a group without members, on a cluster whose coordinator may just be coming up?"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

ATTEMPTS = 100
PAUSE_S = 0.2
_COMING_UP = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""Until the topic of commits is there, and read."""


def commit_offsets(settings: Mapping[str, Any], group: str, offsets: Sequence[TopicPartition]) -> None:
    """Commit from outside the group; a coordinator that is coming up is asked again."""
    consumer = Consumer({**settings, "group.id": group})
    try:
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                consumer.commit(offsets=list(offsets), asynchronous=False)
                return
            except KafkaException as error:
                reason = error.args[0]
                if not attempts_left or not (reason.retriable() or reason.code() in _COMING_UP):
                    raise
                time.sleep(PAUSE_S)
    finally:
        consumer.close()
