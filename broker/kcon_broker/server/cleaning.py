"""When are compacted topics compacted, and how without holding up anybody?

One partition after the other, driven in slices (`stepping`).
"""

import asyncio
import logging
import time
from collections.abc import Iterable

from kcon_broker.server.clock import Clock
from kcon_broker.server.stepping import SLICE_S, drive
from kcon_broker.server.tasks import spawn
from kcon_broker.state.broker import Broker
from kcon_broker.state.partition import Partition
from kcon_broker.state.topic import OFFSETS_TOPIC, Topic
from kcon_broker.storage.compaction import Compacted, CompactionAbandoned, compact_log
from kcon_broker.storage.compaction_plan import CompactionPlan, plan_compaction
from kcon_broker.storage.data_folder import DataFolder
from kcon_broker.storage.key_offsets import capacity_for
from kcon_broker.storage.steps import Steps

_logger = logging.getLogger("kcon_broker")


class Cleaner:
    """The compaction of one broker."""

    def __init__(self, broker: Broker, folder: DataFolder, clock: Clock) -> None:
        self._broker = broker
        self._folder = folder
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = spawn(self._repeat(), name="cleaner")

    async def stop(self) -> None:
        """End; on return no file is in use."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def clean(self) -> int:
        """Compact what is worth it, once; return the number of partitions compacted."""
        cleaned = 0
        began_s = time.monotonic()
        for topic in list(self._broker.topics.by_name.values()):
            if not self._broker.config_of(topic).is_compacted:
                continue
            for index in range(topic.partition_count):
                cleaned += await self._clean_partition(topic, index)
                if time.monotonic() - began_s > SLICE_S:
                    # Looking at many partitions, and opening them, takes long too.
                    await asyncio.sleep(0)
                    began_s = time.monotonic()
        return cleaned

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._broker.settings.storage.cleaner_interval_ms)
            await self.clean()

    async def _clean_partition(self, topic: Topic, index: int) -> bool:
        """Compact one partition if it is worth it; tell whether it was."""
        if topic.is_deleted or not self._folder.may_have_records(topic.name, index):
            return False
        partition = topic.partition(index)
        if partition is None or self._broker.log_of(partition) is None:
            return False
        try:
            plan = self._plan(partition)
            if plan is None:
                return False
            if not await self._announce(partition, plan):
                return False
            began_s = time.monotonic()
            compacted = await drive(self._steps(partition, plan))
        except CompactionAbandoned as reason:
            _logger.warning("%s was not compacted: %s", partition.folder, reason)
            return False
        except OSError as error:
            _logger.error("compacting %s failed: %s", partition.folder, error)
            return False
        if not topic.is_deleted:
            self._folder.note_cleaned(topic.name, index, compacted.end_offset)
        await asyncio.to_thread(self._remove, compacted.deleted_paths)
        _logger.info(
            "compacted %s to offset %d in %.1f s: %d bytes were %d",
            partition.folder,
            compacted.end_offset,
            time.monotonic() - began_s,
            compacted.bytes_after,
            compacted.bytes_before,
        )
        return True

    async def _announce(self, partition: Partition, plan: CompactionPlan) -> bool:
        """Make durable that a partition may have gaps, and where; False: it was deleted or failed meanwhile.

        From then on gaps below its recovery point are no damage, also if a crash comes before the next checkpoint.
        """
        folder, place = self._folder, (partition.topic.name, partition.index)
        while not folder.is_known_as_cleaned(*place) or folder.durable_recovery_point(*place) < plan.end_offset:
            log = partition.log
            if partition.topic.is_deleted or log is None or log.failure is not None:
                return False
            folder.note_cleaned(*place, plan.first_dirty_offset)
            folder.note(*place, log)
            await drive(folder.checkpoint_steps())
        return not partition.topic.is_deleted

    def _plan(self, partition: Partition) -> CompactionPlan | None:
        log = partition.log
        assert log is not None
        if log.failure is not None:
            return None
        segments = log.segments
        if (
            partition.topic.name == OFFSETS_TOPIC
            and segments
            and segments[-1].size > self._broker.settings.storage.offsets_segment_bytes_max
        ):
            log.roll()
        return plan_compaction(
            segments,
            self._broker.config_of(partition.topic),
            cleaned_offset=self._folder.cleaned_offset(partition.topic.name, partition.index) or 0,
            log_start_offset=log.log_start_offset,
            limit_offset=min(log.durable_offset, partition.last_stable_offset),
            now_ms=self._clock.wall_ms(),
            load_indexes=log.load_indexes,
        )

    def _steps(self, partition: Partition, plan: CompactionPlan) -> Steps[Compacted]:
        assert partition.log is not None
        return compact_log(
            self._folder.files,
            partition.log,
            plan,
            self._broker.config_of(partition.topic),
            keys_max=capacity_for(self._broker.settings.storage.cleaner_keys_bytes_max),
            producers=partition.producers.snapshot(),
            now_ms=self._clock.wall_ms(),
        )

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            try:
                self._folder.files.remove(path)
            except OSError as error:
                # The next start removes it.
                _logger.warning("removing %s failed: %s", path, error)
