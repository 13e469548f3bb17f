"""What is asked of a cluster more rarely than its offsets? Disks, transactions, and settings of what is not well."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kcon.core.disk_usage import VolumeUse
from kcon.core.ids import TopicPartition
from kcon.core.wire_text import WireText


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransaction:
    """A transaction that has been open for long."""

    transactional_id: WireText
    age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowFacts:
    """The answers. None is "could not be read", which is never "all is well"."""

    minimums: Mapping[str, int | None] = field(default_factory=dict)
    """`min.insync.replicas` of the topics that lack a replica; None where it could not be read."""
    volumes: tuple[VolumeUse, ...] | None = None
    silent_brokers: frozenset[int] = frozenset()
    """Brokers that did not tell of their disks."""
    transactions: tuple[OpenTransaction, ...] | None = None
    stable_lag: Mapping[TopicPartition, int] | None = None
    """Records behind the last stable offset, where there are any."""
    certificates: Mapping[str, int] = field(default_factory=dict)
    """By address, when the certificate that a broker showed ends; none without TLS."""
    problems: tuple[str, ...] = ()
