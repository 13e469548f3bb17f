"""What does a scrape of one cluster say now? Looks again and again in the background, and keeps the last text.

When a look fails the last values stay, and `kcon_up` and the time of the last success tell that they are old.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import display_safe
from kcon.errors import KconError
from kcon.observe.exposition import Family, Format, escape_label, render
from kcon.observe.metric_catalogue import OWN
from kcon.observe.metric_families import MissingCommit, Profile, Rows, Tick, group_rows, metric_families
from kcon.observe.recording import Recording
from kcon.observe.sampler import Sample, Sampler
from kcon.observe.slow_facts import SlowFacts
from kcon.observe.store import Store
from kcon.services.history import recording_of
from kcon.services.session import Session
from kcon.services.slow_look import slow_look

INTERVAL_MS: Final = 30_000
IDLE_FACTOR: Final = 3
"""The pause after a look is at least so many times as long as the look took."""
SLOW_EVERY: Final = 6
"""Looks between two questions about disks and transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOptions:
    """What is told, and how often the cluster is asked."""

    profiles: frozenset[Profile] = frozenset(Profile)
    missing_commit: MissingCommit = MissingCommit.OMIT
    static_labels: tuple[tuple[str, str], ...] = ()
    interval_ms: int = INTERVAL_MS
    slow_every: int = SLOW_EVERY
    """Disks and transactions are asked about at one of so many looks; 0: never."""
    records: bool = False
    """What is seen goes into the cluster's history, unless another process keeps it."""


class Metrics:
    """The metrics of one cluster. One event loop."""

    def __init__(self, session: Session, options: MetricsOptions | None = None) -> None:
        self._session = session
        self._options = options or MetricsOptions()
        self._store = Store()
        self.recording: Recording | None = recording_of(session) if self._options.records else None
        self._sampler: Sampler | None = None
        self._families: list[Family] = []
        self._texts: dict[Format, bytes] = {}
        self._is_up = False
        self._last_success_ms: int | None = None
        self._looks = 0
        self._before: Sample | None = None
        self._slow: SlowFacts | None = None
        self.problem = ""
        """Why the last look failed; "" when it did not."""
        self.on_tick: Callable[[Tick, Rows], Awaitable[None]] | None = None
        """Called after each look that succeeded."""
        self.on_failure: Callable[[str], Awaitable[None]] | None = None
        """Called with the reason after each look that did not."""
        self.more_families: Callable[[], Sequence[Family]] = tuple
        """What else is in a scrape; called after each look."""

    def text(self, form: Format = Format.PROMETHEUS) -> bytes:
        """Return the scrape of the last look. Asks nobody."""
        found = self._texts.get(form)
        if found is None:
            found = self._texts[form] = render([*self._own(), *self.more_families(), *self._families], form)
        return found

    async def look(self) -> None:
        """Look once and keep what is seen. KconError when the cluster cannot be asked; the old values stay."""
        try:
            await self._look()
            self._is_up, self.problem = True, ""
            self._last_success_ms = self._session.now_ms()
        except KconError as error:
            self._is_up, self.problem = False, error.message
            if self.on_failure is not None:
                await self.on_failure(error.message)
            raise
        finally:
            self._texts.clear()

    async def run(self, on_problem: Callable[[str], None]) -> None:
        """Look until cancelled. on_problem: gets each new sentence about what failed."""
        told = ""
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except KconError as error:
                if error.message != told:
                    on_problem(error.message)
            told = self.problem
            await asyncio.sleep(self.pause_s(time.monotonic() - began))

    async def close(self) -> None:
        """Write what history has in memory."""
        if self.recording is not None:
            await self.recording.close()

    def pause_s(self, took_s: float) -> float:
        """Return how long to wait after a look that took so long: sampling stays a small share of the time."""
        hurry_ms = self.recording.interval_ms if self.recording is not None else None
        interval_ms = min(self._options.interval_ms, hurry_ms or self._options.interval_ms)
        return max(interval_ms / 1000 - took_s, took_s * IDLE_FACTOR)

    async def _look(self) -> None:
        admin = await self._session.admin()
        if self._sampler is None:
            self._sampler = Sampler(admin, self._session.now_ms)
        sample = await self._sampler.sample(None, self._store.lag_engine.wanted_probes())
        snapshot = await self._store.add(sample)
        if self.recording is not None:
            await self.recording.take(sample, snapshot, admin)
        if self._store.lag_engine.wanted_probes() and self._last_success_ms is None:
            # The first look at records; what it tells is in the first scrape already.
            probes = await admin.probe_times(self._store.lag_engine.wanted_probes())
            self._store.lag_engine.add_probes(
                {where: probe for where, probe in probes.items() if not isinstance(probe, KafkaError)}
            )
        if self._options.slow_every and self._looks % self._options.slow_every == 0:
            self._slow = await slow_look(admin, sample, self._session.now_ms())
        self._looks += 1
        tick = Tick(
            sample=sample,
            engine=self._store.lag_engine,
            cluster_name=self._cluster_name(sample.cluster.cluster_id),
            profiles=self._options.profiles,
            missing_commit=self._options.missing_commit,
            static_labels=self._options.static_labels,
            requests_by_api=dict(admin.requests_sent),
            before=self._before,
            snapshot=snapshot,
            slow=self._slow,
        )
        self._before = sample
        # A large cluster's families take a while to build: not on the loop that answers scrapes.
        self._families, rows = await asyncio.to_thread(_families, tick)
        if self.on_tick is not None:
            await self.on_tick(tick, rows)

    @property
    def cluster_name(self) -> str:
        """The name of the context, or the cluster's id once it is known."""
        return self._cluster_name(self._before.cluster.cluster_id if self._before is not None else "")

    def _cluster_name(self, cluster_id: object) -> str:
        name = self._session.context.name
        return name if name and not name.startswith("(") else display_safe(str(cluster_id or ""))

    def _own(self) -> list[Family]:
        names = tuple(name for name, _value in self._options.static_labels)
        values = tuple(escape_label(value) for _name, value in self._options.static_labels)
        up, last = (each._replace(labels=names) for each in OWN)
        up = up._replace(samples=[(values, float(self._is_up))])
        if self._last_success_ms is None:
            return [up]
        return [up, last._replace(samples=[(values, self._last_success_ms / 1000)])]


def _families(tick: Tick) -> tuple[list[Family], Rows]:
    rows = group_rows(tick)
    return metric_families(tick, rows), rows
