"""Does the record plane connect? One Metadata request by librdkafka, with the settings that reading and writing use."""

import time
from typing import Final

import confluent_kafka

from kcon.contexts.context import Context
from kcon.records.client_config import LOGGER, common_config
from kcon.records.failures import AUTH_CODES, kcon_error

_NO_TOPIC: Final = "__kcon_reach"
"""Asking for one topic is cheap on a large cluster; none is made, as that is switched off."""


def reach(context: Context, timeout_s: float) -> int:
    """Return the number of brokers that librdkafka sees; blocks. KconError says why it sees none."""
    refusals: list[confluent_kafka.KafkaError] = []

    def on_error(error: confluent_kafka.KafkaError) -> None:
        if error.code() in AUTH_CODES:
            refusals.append(error)

    # A producer asks for no coordinator, so that the question changes nothing on the cluster.
    config = {**common_config(context), "allow.auto.create.topics": False, "error_cb": on_error}
    producer = confluent_kafka.Producer(config, logger=LOGGER)
    deadline_s = time.monotonic() + timeout_s
    while True:
        left_s = deadline_s - time.monotonic()
        try:
            return len(producer.list_topics(_NO_TOPIC, timeout=max(0.1, min(1.0, left_s))).brokers)
        except confluent_kafka.KafkaException as failure:
            producer.poll(0)  # It tells what it was refused for.
            if refusals or left_s <= 0:
                raise kcon_error(refusals[0] if refusals else failure.args[0], "Connecting") from failure
