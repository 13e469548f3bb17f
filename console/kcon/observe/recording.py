"""Which process keeps the history of a cluster? The first that looks at it for long; the others read beside it.

The writer holds a lock. Who does not get it tries again now and then, so that another goes on when the writer ends.
Files are opened and written on worker threads; nothing that goes wrong here ends the looks, it is a sentence.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from kcon.contexts.history_settings import HistorySettings
from kcon.core.broker_facts import LogDir, Quorum
from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.ids import ClusterId
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import KconError, RefusedError
from kcon.observe.controller import active_controller
from kcon.observe.history import History
from kcon.observe.recorder import Recorder
from kcon.observe.sampler import Sample
from kcon.observe.snapshot import ClusterSnapshot

RETRY_MS: Final = 30_000
"""Between two tries to become the writer."""
INCIDENT_INTERVAL_MS: Final = 1_000
SIZES_EVERY_MS: Final = 300_000
CONTROLLER_EVERY_MS: Final = 30_000
CONFIGS_EVERY_MS: Final = 10_000
CONFIGS_AT_ONCE: Final = 100
"""Topics whose settings are read at a time; the next ones follow the next time."""
TIDY_EVERY_MS: Final = 60_000
SOURCES: Final = frozenset({"dynamic-topic", "dynamic-broker", "dynamic-default-broker"})
"""Where a setting comes from that somebody set while the cluster ran."""
VALUE_MAX: Final = 500
NAME_MAX: Final = 200


class SlowSource(Protocol):
    """The questions of the admin client that are asked now and then."""

    async def quorum(self) -> Quorum:
        """Return the metadata quorum."""

    async def log_dirs(self) -> Mapping[int, tuple[LogDir, ...] | KafkaError]:
        """Return what the brokers' disks hold."""

    async def describe_configs(
        self, resources: Iterable[ConfigResource], names: Collection[str] | None = None
    ) -> Mapping[ConfigResource, Mapping[WireText, ConfigEntry] | KafkaError]:
        """Return settings."""


def history_path(folder: Path, cluster_id: ClusterId) -> Path:
    """Return the file of a cluster's history in a folder."""
    name = quote(cluster_id.encode(), safe="")[:NAME_MAX]
    return folder / f"{name.replace('.', '%2E')}.sqlite"


class Recording:
    """Hands the looks of this process to history, if it is the one that writes. One event loop."""

    def __init__(
        self,
        folder: Path,
        limits: HistorySettings | None = None,
        on_cluster: Callable[[ClusterId], None] = lambda _cluster_id: None,
    ) -> None:
        """on_cluster: gets the id of the cluster once this process writes its history, on a worker thread."""
        self._on_cluster = on_cluster
        self._folder = folder
        self._limits = limits or HistorySettings()
        self._history: History | None = None
        self._recorder: Recorder | None = None
        self._work: asyncio.Task[None] | None = None
        self._next: dict[str, int] = {}
        self._is_incident = False
        self._is_closed = False
        self._configs_from = 0
        self.problem = ""
        """Why nothing is recorded; "" also when another process does it."""

    @property
    def is_writing(self) -> bool:
        """This process is the writer."""
        return self._recorder is not None

    @property
    def interval_ms(self) -> int | None:
        """How often to look while an incident goes on; None: as often as one likes."""
        return INCIDENT_INTERVAL_MS if self._is_incident else None

    async def take(self, sample: Sample, snapshot: ClusterSnapshot, source: SlowSource | None = None) -> None:
        """Take in a look. source: what else to ask, now and then."""
        cluster_id = sample.cluster.cluster_id
        if not self._limits.enabled or not sample.has_offsets or cluster_id is None or self._is_closed:
            return
        if self._recorder is None:
            if not self._is_due("open", sample.taken_ms, RETRY_MS):
                return
            await self._open(cluster_id)
        recorder, history = self._recorder, self._history
        if recorder is None or history is None:
            return
        recorder.interval_ms = INCIDENT_INTERVAL_MS if self._is_incident else self._limits.interval_ms
        has_news = await recorder.take(sample, snapshot)
        if self._work is None or self._work.done():
            # Between two looks that are kept it is only asked whether an incident has begun.
            work = self._write(history, recorder, sample, source) if has_news else self._look_for_incident(history)
            self._work = asyncio.get_running_loop().create_task(work, name="write history")

    async def _look_for_incident(self, history: History) -> None:
        self._is_incident = await asyncio.to_thread(history.is_incident_open)

    def _is_due(self, what: str, now_ms: int, every_ms: int) -> bool:
        due_ms = self._next.get(what, 0)
        if due_ms - every_ms <= now_ms < due_ms:
            return False
        self._next[what] = now_ms + every_ms
        return True

    async def _open(self, cluster_id: ClusterId) -> None:
        path = history_path(self._folder, cluster_id)
        try:
            self._history, self._recorder = await asyncio.to_thread(self._opened, path, cluster_id)
            self.problem = ""
        except RefusedError as error:
            self.problem = "" if "Another kcon" in error.message else error.message
        except KconError as error:
            self.problem = error.message
        except OSError as error:
            self.problem = f"History cannot be kept in {path.parent}: {error.strerror or error}."

    def _opened(self, path: Path, cluster_id: ClusterId) -> tuple[History, Recorder]:
        limits = self._limits
        history = History(path, size_max_bytes=limits.size_max_bytes)
        self._on_cluster(cluster_id)
        return history, Recorder(history, interval_ms=limits.interval_ms, series_max=limits.series_max)

    async def _write(self, history: History, recorder: Recorder, sample: Sample, source: SlowSource | None) -> None:
        now_ms = sample.taken_ms
        if source is not None:
            # A cluster may tell the one and not the other; the looks themselves go on.
            if self._is_due("sizes", now_ms, SIZES_EVERY_MS):
                with contextlib.suppress(KconError):
                    recorder.take_sizes(await source.log_dirs())
            if self._is_due("controller", now_ms, CONTROLLER_EVERY_MS):
                recorder.take_controller(await active_controller(source, sample.cluster), now_ms)
            if self._is_due("configs", now_ms, CONFIGS_EVERY_MS):
                with contextlib.suppress(KconError):
                    await self._read_configs(recorder, sample, source)
        await asyncio.to_thread(history.flush)
        await self._look_for_incident(history)
        if self._is_due("tidy", now_ms, TIDY_EVERY_MS):
            await asyncio.to_thread(history.tidy, now_ms)
        self.problem = history.problem

    async def _read_configs(self, recorder: Recorder, sample: Sample, source: SlowSource) -> None:
        topics = [topic.name for topic in sample.topics if topic.error is None]
        first = self._configs_from if self._configs_from < len(topics) else 0
        self._configs_from = first + CONFIGS_AT_ONCE
        asked = [ConfigResource(ResourceType.TOPIC, name) for name in topics[first : first + CONFIGS_AT_ONCE]]
        if first == 0:
            asked += [ConfigResource(ResourceType.BROKER, WireText(str(each.id))) for each in sample.cluster.brokers]
        for resource, told in (await source.describe_configs(asked)).items():
            if isinstance(told, KafkaError):
                continue
            kind = "topic" if resource.type is ResourceType.TOPIC else "broker"
            recorder.take_configs(kind, resource.name, sample.taken_ms, _set_by_somebody(told))

    async def close(self) -> None:
        """Write what is in memory and let another process write."""
        self._is_closed = True
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)
        if self._history is not None:
            await asyncio.to_thread(self._history.close)
        self._history = self._recorder = None


def _set_by_somebody(told: Mapping[WireText, ConfigEntry]) -> dict[str, str]:
    return {
        entry.name.raw: entry.value.raw[:VALUE_MAX]
        for entry in told.values()
        if entry.source in SOURCES and not entry.sensitive and entry.value is not None
    }
