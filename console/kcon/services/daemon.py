"""What runs without anybody watching? Looks at one cluster, metrics for scrapes, and alerts, in one process.

It outlives the cluster: a look that fails is tried again at the next interval, and is an alert itself. It tells systemd
when it is ready (sd_notify(3)), and ends on SIGTERM with everything written.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from kcon.core.alert import Alert, Observation, count_by_rule
from kcon.errors import KconError
from kcon.observe.alert_finder import THRESHOLDS, AlertFinder
from kcon.observe.alert_store import AlertStore
from kcon.observe.exposition import Family, escape_label
from kcon.observe.metric_catalogue import OF_ALERTS
from kcon.observe.metric_families import Rows, Tick
from kcon.services.alert_config import AlertConfig
from kcon.services.alerting import Alerting
from kcon.services.metrics import Metrics, MetricsOptions
from kcon.services.probe_config import NO_PROBES, ProbeConfig
from kcon.services.session import Session

if TYPE_CHECKING:
    from kcon.services.probe_watch import ProbeWatch

ALERTS_FOLDER: Final = "alerts"
FLUSH_S: Final = 5.0
"""So long a clean stop tries to tell what waits."""
RETRY_S: Final = 5.0
"""The pause after a look that failed is at most so long, however rarely looks are wanted."""


class Daemon:
    """One cluster. Use it as an async context manager, on one event loop."""

    def __init__(
        self,
        session: Session,
        config: AlertConfig,
        options: MetricsOptions,
        note: Callable[[str], None],
        *,
        terminal: IO[bytes] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """note: gets sentences for the log. terminal: where a bell rings."""
        self._session = session
        self._note = note
        self._variables = os.environ if variables is None else variables
        self._options = options
        self.metrics = Metrics(session, options)
        self._store = AlertStore(alerts_path(session))
        self._finder = AlertFinder(config.own_rules, config.thresholds)
        self._thresholds = {**THRESHOLDS, **config.thresholds}
        # The engine bears a clock that is set, and who is told wants the time that they have themselves.
        self.alerting = Alerting(config, self._store, cluster_of(session), session.now_ms, terminal=terminal, note=note)
        self.metrics.on_tick = self._observe
        self.metrics.on_failure = self._observe_failure
        self.metrics.more_families = self._families
        self._unanswered: tuple[str, ...] = ()
        self.probes = self._probes(config.probe)
        if self._store.quarantined is not None:
            note(f"The alerts were damaged, and are set aside in {self._store.quarantined}.")

    def _probes(self, config: ProbeConfig | None) -> "ProbeWatch | None":
        if config is None:
            return None
        from kcon.services.probe_watch import ProbeWatch  # It loads the record plane.

        return ProbeWatch(self._session, config, self._note)

    async def __aenter__(self) -> "Daemon":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        notify(self._variables, "STOPPING=1")
        await self.alerting.flush(FLUSH_S)
        self._store.close()
        await self.metrics.close()

    async def run(self) -> None:
        """Look, and tell, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.alerting.run(), name="sinks")
            group.create_task(self._look_on(), name="looks")
            if self.probes is not None:
                group.create_task(self.probes.run(), name="probes")

    async def _look_on(self) -> None:
        notify(self._variables, "READY=1")
        told = ""
        while True:
            began = time.monotonic()
            try:
                await self.metrics.look()
                if told:
                    self._note("The cluster is read again.")
                told = ""
            except KconError as error:
                if error.message != told:
                    self._note(error.message)
                told = error.message
            notify(self._variables, "WATCHDOG=1")
            pause_s = self.metrics.pause_s(time.monotonic() - began)
            await asyncio.sleep(min(pause_s, RETRY_S) if told else pause_s)

    async def _observe(self, tick: Tick, rows: Rows) -> None:
        observation = await asyncio.to_thread(self._finder.look, tick, rows)
        if self._finder.unanswered != self._unanswered:
            self._unanswered = self._finder.unanswered
            for sentence in self._unanswered:
                self._note(sentence)
        await self.alerting.observe(self._with_probes(observation))

    async def _observe_failure(self, reason: str) -> None:
        await self.alerting.observe(self._with_probes(self._finder.failed(reason)))

    def _with_probes(self, observation: Observation) -> Observation:
        return observation.plus(NO_PROBES if self.probes is None else self.probes.findings(self._thresholds))

    def _families(self) -> list[Family]:
        names = tuple(name for name, _value in self._options.static_labels)
        values = tuple(escape_label(value) for _name, value in self._options.static_labels)
        told = [] if self.probes is None else self.probes.families(names, values)
        return [*alert_families(self.alerting, names, values), *told]


def alert_families(alerting: Alerting, names: tuple[str, ...] = (), values: tuple[str, ...] = ()) -> list[Family]:
    """Return what the alerts themselves are like, with the static labels on each."""
    counts = count_by_rule(alerting.engine.alerts)
    alerts, messages, waiting = (each._replace(labels=each.labels + names) for each in OF_ALERTS)
    return [
        alerts._replace(
            samples=[
                ((escape_label(rule), "firing" if is_firing else "pending", *values), count)
                for (rule, is_firing), count in sorted(counts.items())
            ]
        ),
        messages._replace(
            samples=[
                ((escape_label(sink), outcome, *values), count)
                for (sink, outcome), count in sorted(alerting.sends.items())
            ]
        ),
        waiting._replace(samples=[(values, len(alerting.waiting))]),
    ]


def alerts_path(session: Session) -> Path:
    """Return the file that keeps the alerts of a context."""
    return session.folder / ALERTS_FOLDER / f"{_file_name(cluster_of(session))}.sqlite"


def cluster_of(session: Session) -> str:
    """Return what alerts call the cluster: the context's name, or where it is."""
    name = session.context.name
    return name if name and not name.startswith("(") else ",".join(session.context.bootstrap)


def order_of(alert: Alert) -> tuple[bool, str, object]:
    """Sort alerts that fire before those that wait."""
    return not alert.is_firing, alert.rule, alert.labels


def _file_name(text: str) -> str:
    return "".join(char if char.isalnum() or char in "._-" else "_" for char in text)[:100]


def notify(variables: Mapping[str, str], state: str) -> None:
    """Tell systemd, where it listens (sd_notify(3)); else nothing."""
    address = variables.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(state.encode(), address if address.startswith("/") else "\0" + address[1:])
