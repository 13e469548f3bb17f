"""What is a verdict made of, and what is it? The facts that were measured, and one cause with its evidence."""

from dataclasses import dataclass
from enum import Enum

from kcon.core.ids import ClientId, GroupId, TopicPartition
from kcon.core.time_lag import TimeLag


class Cause(Enum):
    """What is the matter. The value is the word that scripts see."""

    HEALTHY = "healthy"
    IDLE = "idle"
    CATCHING_UP = "catching-up"
    SLOW_CONSUMER = "slow-consumer"
    DEAD_CONSUMER = "dead-consumer"
    STOPPED = "stopped"
    STUCK_MEMBER = "stuck-member"
    POISON_RECORD = "poison-record"
    HOT_PARTITION = "hot-partition"
    REBALANCE_LOOP = "rebalance-loop"
    UNOWNED_PARTITION = "unowned-partition"
    HANGING_TRANSACTION = "hanging-transaction"
    RETENTION_LOSS = "retention-loss"
    BROKER_DOWN = "broker-down"
    UNDER_MIN_ISR = "under-min-isr"
    CLOCK_SKEW = "clock-skew"
    NOTHING_READ = "nothing-read"
    PRODUCER_STOPPED = "producer-stopped"
    UNDER_REPLICATED = "under-replicated"
    LOG_DIR_OFFLINE = "log-dir-offline"
    DISK_FILLING = "disk-filling"
    NO_CONTROLLER = "no-controller"
    UNKNOWN = "unknown"

    @property
    def is_fine(self) -> bool:
        """Nobody needs to do anything."""
        return self in {Cause.HEALTHY, Cause.IDLE, Cause.CATCHING_UP}


class Confidence(Enum):
    """How sure."""

    CERTAIN = "certain"
    """The cluster says so itself."""
    LIKELY = "likely"
    """What was watched has no other explanation that kcon knows."""
    POSSIBLE = "possible"
    """It fits, and so would something else that the evidence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionFacts:
    """One partition of a group, over the time it was watched. None is "not known"."""

    where: TopicPartition
    committed: int | None
    start: int | None
    end: int | None
    lag: int | None
    time_lag: TimeLag
    in_per_s: float | None = None
    out_per_s: float | None = None
    owner: ClientId | None = None
    """The client id of the member that it is assigned to."""
    member: str | None = None
    """The member's id, to tell members with one client id apart."""
    lost: int = 0
    still_ms: int = 0
    """For how long the commit has not moved."""
    stable_end: int | None = None
    """The last stable offset."""
    transaction_age_ms: int | None = None
    """The age of the oldest open transaction, where it holds the last stable offset."""
    has_leader: bool = True
    is_under_min_isr: bool = False
    retention_left_ms: int | None = None
    """When retention reaches the commit, at the age of its record; None without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One group, over the time it was watched."""

    group: GroupId
    state: str
    members: int | None
    partitions: tuple[PartitionFacts, ...]
    watched_ms: int
    """From the first look to the last."""
    rebalances: int = 0
    """Seen to begin in that time."""
    unstable_ms: int = 0
    """For how long it has not been stable; 0 when it is."""
    problems: tuple[str, ...] = ()
    """Sentences: what could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRules:
    """Thresholds, all configurable."""

    watch_ms: int = 10_000
    """Nothing is said about movement before."""
    still_ms: int = 10_000
    """A commit that others overtake for so long stands still."""
    late_ms: int = 10_000
    """A time lag up to here is no lag."""
    rebalances: int = 3
    unstable_ms: int = 60_000
    transaction_ms: int = 60_000
    """An open transaction is older than this before it counts as hanging."""
    hot_share: float = 0.6
    """A partition is hot with more than this share of the lag, at HOT_TIMES its fair share of the writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One cause."""

    cause: Cause
    confidence: Confidence
    headline: str
    """One sentence."""
    evidence: tuple[str, ...] = ()
    next_commands: tuple[str, ...] = ()
    """What to run next, the most useful first."""
    at: TopicPartition | None = None
    also: "tuple[Verdict, ...]" = ()
    """Other causes that hold as well, weaker ones."""
    missing_ms: int = 0
    """For how much longer to watch before more can be said."""
