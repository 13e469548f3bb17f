"""What does the whole cluster look like at one tick? Frozen columns that every reader of the sampler shares.

A column holds one value a row, in the order of the row's names; None is "unknown", never 0.
"""

from dataclasses import dataclass, field

from kcon.core.group_status import GroupStatus
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.snapshot import ClusterInfo
from kcon.core.time_lag import TimeLag
from kcon.observe.rings import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicColumns:
    """All topics, sorted by name."""

    name: tuple[TopicName, ...] = ()
    internal: tuple[bool, ...] = ()
    partitions: tuple[int, ...] = ()
    replicas: tuple[int, ...] = ()
    under_replicated: tuple[int, ...] = ()
    offline: tuple[int, ...] = ()
    """Partitions without a leader."""
    span: tuple[int | None, ...] = ()
    """Offsets between start and end, summed; an upper bound of the records. None when one is unknown."""
    in_per_s: tuple[float | None, ...] = ()
    """Records written a second since the tick before."""
    out_per_s: tuple[float | None, ...] = ()
    """Committed offsets of all groups that moved in it, a second since the tick before."""
    hot: tuple[int | None, ...] = ()
    """The partition with many times its fair share of what is written; None: there is none."""
    trend: tuple[tuple[float, ...], ...] = ()
    """The last rates, NaN where unknown."""
    groups: tuple[int | None, ...] = ()
    """Groups with a commit in it; None when groups could not be read."""

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupColumns:
    """All groups, sorted by id."""

    group: tuple[GroupId, ...] = ()
    state: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    """`classic`, `consumer`, `share`, ..., or "" when the broker does not say."""
    coordinator_id: tuple[int, ...] = ()
    members: tuple[int | None, ...] = ()
    topics: tuple[int | None, ...] = ()
    """Topics with a commit."""
    reads: tuple[frozenset[TopicName], ...] = ()
    """The names of these topics; empty when they could not be read."""
    lag: tuple[int | None, ...] = ()
    """The sum over partitions whose lag is known; None when none is."""
    unknown: tuple[int, ...] = ()
    """Partitions whose lag is unknown."""
    lost: tuple[int, ...] = ()
    """Records that retention took before they were read."""
    out_per_s: tuple[float | None, ...] = ()
    """Committed offsets moved a second since the tick before."""
    eta_ms: tuple[float | None, ...] = ()
    """Until the lag is gone; inf when it does not shrink."""
    time_lag: tuple[TimeLag, ...] = ()
    """How old the oldest unread record is, the worst of its partitions, with its quality."""
    time_unknown: tuple[int, ...] = ()
    """Partitions whose time lag is unknown."""
    status: tuple[GroupStatus, ...] = ()
    """The worst of its partitions."""
    status_since_ms: tuple[int, ...] = ()
    """When that status was first seen, without a break."""
    status_at: tuple[TopicPartition | None, ...] = ()
    """The partition that has it; None when all is well."""
    trend: tuple[tuple[float, ...], ...] = ()
    """The last lags, NaN where unknown."""

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerColumns:
    """The live brokers, sorted by id."""

    broker_id: tuple[int, ...] = ()
    leaders: tuple[int, ...] = ()
    in_per_s: tuple[float | None, ...] = ()
    """Records a second written to the partitions it leads."""
    out_per_s: tuple[float | None, ...] = ()
    """Committed offsets a second that moved in the partitions it leads."""
    under_replicated: tuple[int, ...] = ()
    """Partitions it leads with fewer replicas in sync than assigned."""

    def __len__(self) -> int:
        return len(self.broker_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSnapshot:
    """One tick. Shared between threads; nothing in it changes."""

    taken_ms: int
    duration_ms: int
    """How long the questions took."""
    cluster: ClusterInfo
    has_offsets: bool
    """False for the first, quick look: names only."""
    topics: TopicColumns
    groups: GroupColumns
    brokers: BrokerColumns
    brokers_seen: int
    """Brokers that were ever part of the cluster, as far as partitions name them."""
    in_series: Series = field(default_factory=Series)
    """Records a second written to the whole cluster."""
    out_series: Series = field(default_factory=Series)
    """Records a second that groups moved past."""
    lag_series: Series = field(default_factory=Series)
    """The known lag of all groups."""
    requests_per_s: float | None = None
    """What the sampler itself costs."""
    problems: tuple[str, ...] = ()
    """Sentences: what could not be read, item by item."""
