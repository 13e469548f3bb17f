"""Which settings does librdkafka get? The context's, the user's, and above them the ones that keep kcon's promises."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from kcon.contexts.context import Context
from kcon.records.security_config import security_config

if TYPE_CHECKING:
    from kcon.records.read_plan import ReadPlan

READER_GROUP_ID: Final = "kcon-reader"
"""The Python binding wants a group id for every consumer. Nothing joins it and nothing is committed to it."""

CLIENT_ID: Final = "kcon"

FETCH_WAIT_MS: Final = 100
"""How long a broker may hold a fetch at the end of a partition: also what a bounded read of a partition that
ends in transaction markers waits for its end."""

PREFETCH_RECORDS_MAX: Final = 100_000

FETCH_QUEUE_BACKOFF_MS: Final = 5
"""How long librdkafka pauses after its read-ahead was full. Its own default of a second makes a quick reader wait
most of the time: 900,000 records of 120 bytes came at 160,000 a second with it and at 900,000 with 5 ms."""

FETCH_BYTES_MAX: Final = 2 * 1024 * 1024
"""One answer of a broker. librdkafka unpacks an answer whole, whatever its read-ahead may hold: with its default of
50 MiB (and 1 MiB a partition) records that compress a hundredfold took 275 MB in place of 177, at the same speed.
A batch that is larger comes all the same."""

SESSION_TIMEOUT_MS: Final = 45_000
COMMIT_INTERVAL_MS: Final = 1_000

LOGGER: Final = logging.getLogger("kcon.librdkafka")
"""librdkafka writes to stderr unless it is given a logger; stderr belongs to the fronts."""
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False

Config = dict[str, str | int | bool | Callable[..., Any]]


def common_config(context: Context) -> Config:
    """Return what consumers and producers share; the context's own librdkafka settings and secrets included."""
    return {
        "client.id": CLIENT_ID,
        # A node of a cluster that is down costs one attempt a second, not one each 100 ms.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
        **context.client_config,
        **security_config(context),
        "bootstrap.servers": ",".join(context.bootstrap),
    }


def consumer_config(context: Context, plan: "ReadPlan") -> Config:
    """Return the settings of a consumer that reads `plan`."""
    wanted = plan.records_max
    config: Config = {
        "fetch.wait.max.ms": FETCH_WAIT_MS,
        "fetch.queue.backoff.ms": FETCH_QUEUE_BACKOFF_MS,
        "fetch.max.bytes": FETCH_BYTES_MAX,
        # A damaged batch is an error, not a record.
        "check.crcs": True,
        "queued.max.messages.kbytes": max(1, plan.prefetch_bytes // 1024),
        "queued.min.messages": PREFETCH_RECORDS_MAX if wanted is None else min(wanted, PREFETCH_RECORDS_MAX),
        **common_config(context),
        "isolation.level": plan.isolation.value,
        # Reading must not create what it reads.
        "allow.auto.create.topics": False,
        "enable.partition.eof": True,
        "enable.auto.offset.store": False,
    }
    if plan.group is None:
        config |= {
            "group.id": str(context.client_config.get("group.id", READER_GROUP_ID)),
            "enable.auto.commit": False,
            # A position that is gone is reported, with how much, before reading goes on at the start.
            "auto.offset.reset": "error",
        }
    else:
        config |= {
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "group.id": plan.group.raw,
            "enable.auto.commit": True,
            "auto.commit.interval.ms": COMMIT_INTERVAL_MS,
            "auto.offset.reset": plan.group_reset,
        }
    return config


def producer_config(context: Context, overrides: Mapping[str, str | int | bool]) -> Config:
    """Return the settings of a producer: idempotent, acknowledged by all, partitioned as Java clients do."""
    return {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 64 * 1024,
        "allow.auto.create.topics": False,
        **common_config(context),
        **overrides,
    }
