"""Do records still get through? Probes again and again beside the looks of a daemon, where its configuration says so.

Probes write, so there are none unless `[probe]` stands in alerts.toml, and the gate has the last word: what it refuses
(a read-only context, one that wants names typed) is said once and ends the probing. Each probe has a deadline, one runs
at a time, and none is made up for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from kcon.core.alert import Finding, Observation
from kcon.core.ids import group_id, topic_name
from kcon.core.probe_report import ProbeReport, RoundTrip, report
from kcon.core.units import format_duration
from kcon.errors import KconError, RefusedError
from kcon.observe.exposition import Family
from kcon.observe.metric_catalogue import OF_PROBES
from kcon.services.probe import ProbeOptions, probe_cluster
from kcon.services.probe_config import NO_PROBES, ProbeConfig
from kcon.services.session import Session

SIZE_BYTES: Final = 100

Send = Callable[[Session, ProbeOptions], Awaitable[list[RoundTrip]]]


class ProbeWatch:
    """Probes one cluster. One event loop."""

    def __init__(
        self, session: Session, config: ProbeConfig, note: Callable[[str], None], *, send: Send = probe_cluster
    ) -> None:
        """note: gets sentences for the log. send: makes one probe."""
        self._session = session
        self._config = config
        self._note = note
        self._send = send
        self._problem = ""
        self.last: ProbeReport | None = None
        """What the last probe told; None: it could not be made, or there was none yet."""
        self.at_ms: int | None = None
        """When the last probe ended."""
        self.is_refused = False

    async def run(self) -> None:
        """Probe until cancelled, or refused."""
        loop = asyncio.get_running_loop()
        while not self.is_refused:
            began_s = loop.time()
            await self.probe()
            await asyncio.sleep(max(0.0, self._config.every_ms / 1000 - (loop.time() - began_s)))

    async def probe(self) -> None:
        """Make one probe and keep what it told."""
        config = self._config
        options = ProbeOptions(
            topic=topic_name(config.topic),
            group=group_id(config.topic),
            count=config.count,
            interval_ms=0,
            wait_ms=config.wait_ms,
            size_bytes=SIZE_BYTES,
            create=config.create,
            confirmed_by="alerts.toml",
        )
        try:
            async with asyncio.timeout(config.deadline_ms / 1000):
                self.last = report(await self._send(self._session, options))
            self._problem = ""
        except RefusedError as error:
            self.is_refused, self.last = True, None
            self._note(f"There are no probes: {error.message}")
        except TimeoutError:
            self._failed(f"a probe did not end within {format_duration(config.deadline_ms)}")
        except KconError as error:
            self._failed(error.message)
        self.at_ms = self._session.now_ms()

    def _failed(self, reason: str) -> None:
        self.last = None
        if reason != self._problem:
            self._note(f"The probe failed: {reason}")
        self._problem = reason

    def findings(self, thresholds: dict[str, float]) -> Observation:
        """Return what the last probe says to the rules about probes; nothing is judged before there was one."""
        if self.is_refused:
            return NO_PROBES
        if self.at_ms is None:
            return Observation()
        return Observation(findings=tuple(self._findings(thresholds)), judged=NO_PROBES.judged)

    def _findings(self, thresholds: dict[str, float]) -> Iterator[Finding]:
        told = self.last
        if told is None:
            yield Finding(rule="KafkaProbeFailed", summary=f"Records do not get through: {self._problem}")
            return
        if told.not_acknowledged:
            yield Finding(
                rule="KafkaProbeFailed",
                summary=f"{told.not_acknowledged} of {told.sent} probe records were not acknowledged.",
            )
        if told.lost or told.duplicates:
            yield Finding(
                rule="KafkaProbeLost",
                summary=f"Of {told.sent} probe records {told.lost} were lost and {told.duplicates} came twice.",
            )
        slowest_ms, limit_s = told.round_trip.p99_ms, thresholds["KafkaProbeSlow"]
        if slowest_ms is not None and slowest_ms > limit_s * 1000:
            yield Finding(
                rule="KafkaProbeSlow",
                summary=f"A probe record took {format_duration(round(slowest_ms))} from writer to reader.",
            )

    def families(self, names: tuple[str, ...] = (), values: tuple[str, ...] = ()) -> list[Family]:
        """Return the last probe as metrics, with the static labels on each."""
        up, at, records, round_trip = (each._replace(labels=each.labels + names) for each in OF_PROBES)
        if self.at_ms is None or self.is_refused:
            return [up, at, records, round_trip]
        told = self.last
        by_outcome = told and (
            ("sent", told.sent),
            ("refused", told.not_acknowledged),
            ("lost", told.lost),
            ("duplicate", told.duplicates),
            ("not_committed", told.not_committed),
        )
        times_ms = told and (("0.5", told.round_trip.p50_ms), ("0.99", told.round_trip.p99_ms))
        return [
            up._replace(samples=[(values, float(told is not None and not told.not_acknowledged))]),
            at._replace(samples=[(values, self.at_ms / 1000)]),
            records._replace(samples=[((name, *values), count) for name, count in by_outcome or ()]),
            round_trip._replace(
                samples=[((name, *values), time_ms / 1000) for name, time_ms in times_ms or () if time_ms is not None]
            ),
        ]
