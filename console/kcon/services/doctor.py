"""Is a broker's data folder sound? Offline and read-only, for folders of kcon's broker and of Apache Kafka."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kcon.core.wire_text import display_safe
from kcon.errors import KconError, NotFoundError

DAMAGED: Final = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderReport:
    """What is true of the folder as a whole."""

    origin: str
    """kcon, or Apache Kafka."""
    is_clean: bool
    """The last stop was a clean one."""
    is_in_use: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionReport:
    """What is true of one partition."""

    topic: str
    partition: int
    verdict: str
    """sound, recovered, cut or damaged: what the next start makes of it."""
    segments: int
    size_bytes: int
    start_offset: int
    end_offset: int
    """After the next start."""
    actions: tuple[str, ...]
    """What the next start would do, and what is wrong; sentences, safe for a terminal."""


class DataFolderDoctor:
    """One look at one folder; nothing in it is changed."""

    def __init__(self, folder: Path) -> None:
        """Look at the folder as a whole. Raises NotFoundError where it is no data folder."""
        from kcon_broker.errors import FolderUnreadableError
        from kcon_broker.server.examine import FolderExamination

        try:
            self._examination = FolderExamination(folder)
        except FolderUnreadableError as error:
            raise NotFoundError(
                display_safe(error.message), "Name the folder that holds meta.json, or meta.properties of Apache Kafka."
            ) from error
        except OSError as error:
            raise _unreadable(error) from error
        found = self._examination.findings
        self.folder = FolderReport(
            origin=found.origin.value,
            is_clean=found.is_clean,
            is_in_use=found.is_in_use,
            notes=tuple(map(display_safe, found.notes)),
        )

    def partitions(self) -> Iterator[PartitionReport]:
        """Yield each partition's report as it is done: every batch is read. Raises KconError."""
        try:
            for found in self._examination.partitions():
                yield PartitionReport(
                    topic=display_safe(found.topic),
                    partition=found.partition,
                    verdict=found.verdict.value,
                    segments=found.segments,
                    size_bytes=found.size_bytes,
                    start_offset=found.start_offset,
                    end_offset=found.end_offset,
                    actions=tuple(map(display_safe, found.actions)),
                )
        except OSError as error:
            raise _unreadable(error) from error


def _unreadable(error: OSError) -> KconError:
    return KconError(f"The data folder cannot be read: {display_safe(str(error))}.")
