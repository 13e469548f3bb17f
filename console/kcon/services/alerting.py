"""How do findings reach people? The engine's notices become messages, kept until each sink was told.

A message is on the disk before it is sent, so a crash repeats one rather than loses it. A sink that fails is tried
again with growing pauses, the others go on; what a sink refuses for good, or has not taken within a day, is given up,
and counted. What cannot be written to the disk is sent from memory all the same.
"""

import asyncio
import itertools
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Final

from kcon.core.alert import Alert, Change, Notice, Observation
from kcon.core.alert_engine import AlertEngine
from kcon.errors import KconError
from kcon.observe.alert_store import AlertStore, Outgoing
from kcon.plugin_api.alerting import AlertMessage, AlertNotice, SinkFailure
from kcon.services.alert_config import AlertConfig, SinkConfig
from kcon.services.alert_sinks import Tools

NOTICES_MAX: Final = 100
"""So many stand in one message; of the others only the number is told."""
OUTBOX_MAX: Final = 500
"""Messages that wait for one sink; with more the oldest are given up."""
RETRY_MS: Final = 1_000
RETRY_MS_MAX: Final = 300_000
GIVE_UP_MS: Final = 86_400_000
GIVE_UP_TRIES: Final = 20
"""A clock that is set a day ahead shall not give up what was hardly tried."""
REFUSALS_MAX: Final = 5
"""A refusal that would not pass by itself is tried so often: somebody may mend the other side."""
IDLE_S: Final = 1.0
GRACE_S: Final = 5.0
"""So much longer than its own deadline a sink may take, for what it must load first, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of one message to one sink."""

    sink: str
    problem: str
    """"" when it was taken."""
    took_ms: int = 0


class Alerting:
    """The alerts of one cluster. One event loop."""

    def __init__(
        self,
        config: AlertConfig,
        store: AlertStore,
        cluster: str,
        now_ms: Callable[[], int],
        *,
        terminal: IO[bytes] | None = None,
        note: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """terminal: where a bell rings. note: gets sentences about what went wrong, each once."""
        self._config = config
        self._store = store
        self._cluster = cluster
        self._now_ms = now_ms
        self._note = note
        self._noted: dict[str, str] = {}
        self._sinks: Mapping[str, SinkConfig] = {sink.name: sink for sink in config.sinks}
        self._tools = {sink.name: _tools(sink, now_ms, terminal) for sink in config.sinks}
        self.engine = AlertEngine(config.policies, store.alerts)
        # Messages to a sink that is no more can be told to nobody.
        self._outbox = [each for each in store.outbox if each.sink in self._sinks]
        self._numbers = itertools.count(store.last_number() + 1)
        self._refreshed_ms: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._saving = asyncio.Lock()
        self.sends: Counter[tuple[str, str]] = Counter()
        """How many messages were `sent`, `failed` (to be tried again) or `given_up`, by sink."""

    @property
    def waiting(self) -> Sequence[Outgoing]:
        """Messages that were not told yet."""
        return self._outbox

    async def observe(self, observation: Observation) -> None:
        """Take in what a look found; on return it is on the disk, and on its way."""
        now_ms = self._now_ms()
        notices = self.engine.step(now_ms, observation)
        if self.engine.left_out:
            self._say("room", f"{self.engine.left_out:,} further alerts are left out: too many at once.")
        for sink in self._sinks.values():
            wanted = [notice for notice in notices if sink.wants(notice)]
            if sink.refresh_ms is not None:
                wanted = self._refreshed(sink, wanted, now_ms)
            if wanted:
                self._queue(sink, wanted, now_ms)
        await self._save()
        self._wake.set()

    async def run(self) -> None:
        """Tell the sinks until cancelled; each by itself, so that one that hangs delays nobody."""
        async with asyncio.TaskGroup() as group:
            for name in self._sinks:
                group.create_task(self._serve(name), name=f"sink {name}")

    async def flush(self, timeout_s: float) -> None:
        """Tell once more what waits, within a deadline; the rest stays for the next start."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(self._tell_next(name) for name in self._sinks))
        except TimeoutError:
            pass

    async def _serve(self, name: str) -> None:
        while True:
            if not await self._tell_next(name):
                self._wake.clear()
                try:
                    async with asyncio.timeout(self._pause_s(name)):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    def _pause_s(self, name: str) -> float:
        due = [each.next_ms for each in self._outbox if each.sink == name]
        return IDLE_S if not due else min(IDLE_S, max(0.01, (due[0] - self._now_ms()) / 1000))

    async def _tell_next(self, name: str) -> bool:
        """Tell the oldest message that waits for a sink, if it is due; return whether one was taken or given up."""
        first = next((each for each in self._outbox if each.sink == name), None)
        now_ms = self._now_ms()
        # After a clock was set back a wait must not grow by the difference.
        if first is None or now_ms < first.next_ms <= now_ms + RETRY_MS_MAX:
            return False
        try:
            await send(self._sinks[name], self._tools[name], first.message)
        except SinkFailure as failure:
            return await self._failed(first, failure)
        self.sends[name, "sent"] += 1
        self._noted.pop(name, None)
        self._remove(first.number)
        await self._save()
        return True

    async def _failed(self, outgoing: Outgoing, failure: SinkFailure) -> bool:
        attempts = outgoing.attempts + 1
        now_ms = self._now_ms()
        is_old = now_ms - outgoing.created_ms >= GIVE_UP_MS and attempts >= GIVE_UP_TRIES
        is_over = is_old or (failure.is_final and attempts >= REFUSALS_MAX)
        if is_over:
            self.sends[outgoing.sink, "given_up"] += 1
            self._say(
                outgoing.sink, f"Sink {outgoing.sink} was not told of {outgoing.message.title}: {failure.reason}."
            )
            self._remove(outgoing.number)
        else:
            self.sends[outgoing.sink, "failed"] += 1
            self._say(outgoing.sink, f"Sink {outgoing.sink} cannot be told, and is tried again: {failure.reason}.")
            later = replace(
                outgoing, attempts=attempts, next_ms=now_ms + _back_off_ms(attempts, failure), problem=failure.reason
            )
            self._outbox = [later if each.number == outgoing.number else each for each in self._outbox]
        await self._save()
        return is_over

    def _remove(self, number: int) -> None:
        self._outbox = [each for each in self._outbox if each.number != number]

    def _refreshed(self, sink: SinkConfig, notices: list[Notice], now_ms: int) -> list[Notice]:
        """Return the notices for a sink that forgets: with all that goes on, each time its interval has passed."""
        assert sink.refresh_ms is not None, "asked by the caller"
        last_ms = self._refreshed_ms.get(sink.name)
        if last_ms is not None and 0 <= now_ms - last_ms < sink.refresh_ms:
            return [notice for notice in notices if notice.change is not Change.REPEATED]
        self._refreshed_ms[sink.name] = now_ms
        ended = [notice for notice in notices if notice.change is Change.RESOLVED]
        going_on = [
            notice
            for alert in self.engine.alerts
            if alert.is_firing and alert.told_ms is not None and sink.wants(notice := self._notice(alert, now_ms))
        ]
        # A refresh that still waits says less than this one.
        if going_on:
            self._outbox = [each for each in self._outbox if each.sink != sink.name or not _is_refresh(each)]
        return [*going_on, *ended]

    def _notice(self, alert: Alert, now_ms: int) -> Notice:
        policy = next(policy for policy in self._config.policies if policy.name == alert.rule)
        return Notice(
            change=Change.FIRING if alert.told_ms == now_ms else Change.REPEATED,
            rule=alert.rule,
            severity=policy.severity,
            labels=alert.labels,
            summary=alert.summary,
            value=alert.value,
            since_ms=alert.since_ms,
            at_ms=now_ms,
            sinks=policy.sinks,
        )

    def _queue(self, sink: SinkConfig, notices: Sequence[Notice], now_ms: int) -> None:
        size = NOTICES_MAX if sink.refresh_ms is None else len(notices)
        message = AlertMessage(
            id=str(uuid.uuid4()),
            cluster=self._cluster,
            notices=tuple(as_notice(notice) for notice in notices[:size]),
            omitted=max(0, len(notices) - size),
        )
        self._outbox.append(Outgoing(number=next(self._numbers), sink=sink.name, message=message, created_ms=now_ms))
        mine = [each for each in self._outbox if each.sink == sink.name]
        for given_up in mine[: max(0, len(mine) - OUTBOX_MAX)]:
            self.sends[sink.name, "given_up"] += 1
            self._remove(given_up.number)

    async def _save(self) -> None:
        async with self._saving:
            try:
                await asyncio.to_thread(self._store.save, self.engine.alerts, list(self._outbox))
                self._noted.pop("disk", None)
            except KconError as error:
                self._say("disk", error.message)

    def _say(self, topic: str, sentence: str) -> None:
        if self._noted.get(topic) != sentence:
            self._noted[topic] = sentence
            self._note(sentence)


async def send(sink: SinkConfig, tools: Tools, message: AlertMessage) -> None:
    """Tell a sink once, within its deadline. SinkFailure, whatever else a plugin raises."""
    try:
        # The tools have the deadline itself; this one is for a plugin that waits for something else.
        async with asyncio.timeout(sink.timeout_ms / 1000 + GRACE_S):
            await sink.sink.send(message, tools)
    except SinkFailure:
        raise
    except TimeoutError:
        raise SinkFailure(f"it was not told within {sink.timeout_ms / 1000:g} s") from None
    except Exception as error:  # noqa: BLE001  # The border to a plugin; its text may hold what is secret.
        raise SinkFailure(f"the plugin failed ({type(error).__name__})") from None


async def send_test(
    config: AlertConfig, cluster: str, now_ms: Callable[[], int], *, terminal: IO[bytes] | None = None
) -> list[Told]:
    """Send a test alert through each sink, once and at the same time; return what came of each."""
    notice = AlertNotice(
        status="firing",
        rule="KconTest",
        severity="warn",
        labels={},
        summary="This is a test: nothing is wrong.",
        value=None,
        since_ms=now_ms(),
        at_ms=now_ms(),
    )
    message = AlertMessage(id=str(uuid.uuid4()), cluster=cluster, notices=(notice,), is_test=True)

    async def tell(sink: SinkConfig) -> Told:
        began = asyncio.get_running_loop().time()
        problem = ""
        try:
            await send(sink, _tools(sink, now_ms, terminal), message)
        except SinkFailure as failure:
            problem = failure.reason
        took_s = asyncio.get_running_loop().time() - began
        return Told(sink=sink.name, problem=problem, took_ms=round(took_s * 1000))

    return list(await asyncio.gather(*(tell(sink) for sink in config.sinks)))


def as_notice(notice: Notice) -> AlertNotice:
    """Return a notice as plugins see it."""
    return AlertNotice(
        status=notice.change.value,
        rule=notice.rule,
        severity=notice.severity.value,
        labels=dict(notice.labels),
        summary=notice.summary,
        value=notice.value,
        since_ms=notice.since_ms,
        at_ms=notice.at_ms,
    )


def _tools(sink: SinkConfig, now_ms: Callable[[], int], terminal: IO[bytes] | None) -> Tools:
    return Tools(timeout_ms=sink.timeout_ms, now_ms=now_ms, ca=sink.ca, terminal=terminal)


def _is_refresh(outgoing: Outgoing) -> bool:
    return all(notice.status == Change.REPEATED.value for notice in outgoing.message.notices)


def _back_off_ms(attempts: int, failure: SinkFailure) -> int:
    """Return twice the pause before, up to five minutes, less up to a fifth: many daemons shall not come at once."""
    asked_ms = round((failure.retry_after_s or 0) * 1000)
    pause_ms: int = min(RETRY_MS_MAX, RETRY_MS << min(attempts - 1, 20))
    return min(RETRY_MS_MAX, max(asked_ms, round(pause_ms * random.uniform(0.8, 1.0))))
