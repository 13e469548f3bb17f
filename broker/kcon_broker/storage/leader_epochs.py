"""At which offset did each leader epoch begin?

Kafka's `leader-epoch-checkpoint`: a line of version, a line of count, then "epoch start_offset" a line. A client that
lost sight of the log asks where an epoch ended (KIP-101, KIP-320), and truncates to it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import pairwise

FILE_NAME = "leader-epoch-checkpoint"
FILE_BYTES_MAX = 1 << 20
_VERSION = "0"


class LeaderEpochs:
    """The epochs of one partition and their first offsets, both rising."""

    __slots__ = ("epochs", "start_offsets")

    def __init__(self, entries: Iterable[tuple[int, int]] = ()) -> None:
        self.epochs: list[int] = []
        self.start_offsets: list[int] = []
        for epoch, start_offset in entries:
            self.epochs.append(epoch)
            self.start_offsets.append(start_offset)

    @property
    def latest(self) -> int:
        """The newest epoch with a record; -1 without any."""
        return self.epochs[-1] if self.epochs else -1

    def begin(self, epoch: int, start_offset: int) -> bool:
        """Note that `epoch` begins at `start_offset`; return whether that is news."""
        if self.epochs and epoch <= self.epochs[-1]:
            return False
        while self.start_offsets and self.start_offsets[-1] >= start_offset:
            # An epoch without records never was.
            self.start_offsets.pop()
            self.epochs.pop()
        self.epochs.append(epoch)
        self.start_offsets.append(start_offset)
        return True

    def epoch_at(self, offset: int) -> int | None:
        """Return the epoch of the record at `offset`; None: before the first one known."""
        index = bisect_right(self.start_offsets, offset) - 1
        return self.epochs[index] if index >= 0 else None

    def end_offset_for(self, epoch: int, log_end_offset: int) -> tuple[int, int] | None:
        """Return (epoch, end offset) of the largest epoch up to `epoch`; None: all known ones are larger."""
        index = bisect_right(self.epochs, epoch) - 1
        if index < 0:
            return None
        end_offset = self.start_offsets[index + 1] if index + 1 < len(self.epochs) else log_end_offset
        return self.epochs[index], end_offset

    def truncate_end(self, end_offset: int) -> bool:
        """Forget the epochs that begin at or after `end_offset`; return whether there were any."""
        keep = bisect_left(self.start_offsets, end_offset)
        changed = keep < len(self.epochs)
        del self.epochs[keep:]
        del self.start_offsets[keep:]
        return changed

    def truncate_start(self, start_offset: int) -> bool:
        """Forget the epochs that end at or before `start_offset`; return whether anything changed."""
        first = bisect_right(self.start_offsets, start_offset) - 1
        if first < 0 or (first == 0 and self.start_offsets[0] == start_offset):
            return False
        del self.epochs[:first]
        del self.start_offsets[:first]
        self.start_offsets[0] = start_offset
        return True

    def encode(self) -> bytes:
        """Return the content of the checkpoint file."""
        lines = [f"{epoch} {start}\n" for epoch, start in zip(self.epochs, self.start_offsets, strict=True)]
        return f"{_VERSION}\n{len(lines)}\n{''.join(lines)}".encode("ascii")


def decode_leader_epochs(content: bytes) -> LeaderEpochs | None:
    """Return the epochs of a checkpoint file; None: it is damaged, and has to be built anew from the log."""
    try:
        version, count, *lines = content.decode("ascii").splitlines()
        entries = [(int(epoch), int(start)) for epoch, start in (line.split(" ") for line in lines)]
        if version != _VERSION or int(count) != len(entries) or not content.endswith(b"\n"):
            return None
    except ValueError:
        return None
    for before, after in pairwise(entries):
        if after[0] <= before[0] or after[1] <= before[1]:
            return None
    if entries and (entries[0][0] < 0 or entries[0][1] < 0):
        return None
    return LeaderEpochs(entries)
