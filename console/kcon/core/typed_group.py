"""Who is in a share or a streams group? Frozen values of the two newer kinds of groups (KIP-932, KIP-1071)."""

from typing import NamedTuple

from kcon.core.ids import ClientId, GroupId, HostName, MemberId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import CommittedOffset
from kcon.core.wire_text import WireText


class ShareMember(NamedTuple):
    """One member of a share group."""

    member_id: MemberId
    client_id: ClientId
    host: HostName
    rack: WireText | None
    subscribed: tuple[WireText, ...]
    assignment: tuple[TopicPartition, ...]
    """Several members may have the same partition."""


class ShareOffset(NamedTuple):
    """Where a share group stands in one partition."""

    partition: TopicPartition
    start_offset: int | None
    """The first record not yet done with; None: not begun."""
    lag: int | None
    """None: the broker is too old to say (before 4.2), or it is not known yet."""
    error: KafkaError | None

    @property
    def as_commit(self) -> CommittedOffset | KafkaError | None:
        """What stands here for a commit: the error, or the first record not yet done with; None: not begun."""
        if self.error is not None:
            return self.error
        return None if self.start_offset is None else CommittedOffset(self.start_offset, -1)


class ShareGroup(NamedTuple):
    """One share group."""

    group: GroupId
    state: str
    group_epoch: int
    assignor: str
    coordinator_id: int
    members: tuple[ShareMember, ...]


class StreamsTasks(NamedTuple):
    """Tasks of one subtopology that a member has."""

    role: str
    """`active`, `standby` or `warm-up`."""
    subtopology: WireText
    partitions: tuple[int, ...]


class StreamsMember(NamedTuple):
    """One process thread of a streams application."""

    member_id: MemberId
    client_id: ClientId
    host: HostName
    process_id: WireText
    topology_epoch: int
    is_classic: bool
    tasks: tuple[StreamsTasks, ...]


class StreamsGroup(NamedTuple):
    """One streams group."""

    group: GroupId
    state: str
    group_epoch: int
    topology_epoch: int | None
    subtopologies: tuple[tuple[WireText, tuple[WireText, ...]], ...]
    """Each with its source topics."""
    coordinator_id: int
    members: tuple[StreamsMember, ...]
