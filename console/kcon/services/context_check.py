"""Does a context work, step by step and on both planes? Each step says what it took, or why it failed.

A failure does not end the check: an address that does not resolve says nothing about the next one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from kcon.admin.client import Admin
from kcon.admin.connection import Connection
from kcon.admin.dial import resolve
from kcon.admin.security import ConnectionSecurity
from kcon.admin.settings import AdminSettings
from kcon.contexts.context import split_address
from kcon.core.frozen import Frozen
from kcon.core.wire_text import display_safe
from kcon.errors import KconError

if TYPE_CHECKING:
    from kcon.services.session import Session

LATENCY_REQUESTS: Final = 5
BROKERS_MAX: Final = 50
"""Advertised addresses that are tried."""

SKEW_MS_MAX: Final = 60_000
"""Clocks may differ by so much before it counts as a failure: times such as `@-1h` are off by just that."""

T = TypeVar("T")


class Step(Frozen):
    """One step and how it ended."""

    plane: str
    """`admin` or `records`."""
    name: str
    target: str
    took_ms: float
    detail: str = ""
    error: KconError | None = None


async def check_context(session: "Session") -> list[Step]:
    """Try the bootstrap addresses, the addresses the brokers advertise, and the record plane."""
    context = session.context
    settings = AdminSettings.of(context)
    security = ConnectionSecurity(settings.security, settings.secrets)
    steps: list[Step] = []
    step, _ = await _timed("admin", "secrets", context.name, security.prepare(), lambda _: _secrets_detail(session))
    steps.append(step)
    if step.error is not None:
        return steps
    for address in context.bootstrap:
        steps += await _check_address(address, settings, security)
    if any(step.name == "connect" and step.error is None for step in steps):
        steps += await _check_cluster(settings, {*context.bootstrap}, security, session.now_ms)
        steps.append(await _check_records(session))
    return steps


async def _check_address(address: str, settings: AdminSettings, security: ConnectionSecurity) -> list[Step]:
    host, port = split_address(address)
    resolved, found = await _timed("admin", "resolve", address, resolve(host, port), ", ".join)
    if not found:
        return [resolved]
    opening = Connection.open(host, port, settings, Counter(), security)
    connected, made = await _timed("admin", "connect", address, opening, Connection.describe)
    for connection in made:
        connection.close()
    return [resolved, connected]


async def _check_cluster(
    settings: AdminSettings, known: set[str], security: ConnectionSecurity, now_ms: Callable[[], int]
) -> list[Step]:
    steps: list[Step] = []
    step, made = await _timed("admin", "metadata", ",".join(settings.bootstrap), Admin.connect(settings), lambda _: "")
    if not made:
        return [step]
    async with made[0] as admin:
        took_ms = []
        info = await admin.cluster()
        for _ in range(LATENCY_REQUESTS):
            start_s = time.perf_counter()
            await admin.cluster()
            took_ms.append((time.perf_counter() - start_s) * 1000)
        detail = f"{len(info.brokers)} brokers, controller {info.controller_id}, median of {LATENCY_REQUESTS} requests"
        took = sorted(took_ms)[LATENCY_REQUESTS // 2]
        steps.append(Step(plane="admin", name="latency", target=str(info.cluster_id), took_ms=took, detail=detail))
        steps.append(await _check_clock(admin, now_ms))
    for broker in info.brokers[:BROKERS_MAX]:
        address = f"[{broker.host.raw}]:{broker.port}" if ":" in broker.host.raw else f"{broker.host.raw}:{broker.port}"
        if address not in known:
            steps += await _check_address(address, settings, security)
    return steps


async def _check_clock(admin: Admin, now_ms: Callable[[], int]) -> Step:
    """Compare this machine's clock with that of the quorum's leader.

    No answer of Kafka is made to tell the time, but the leader says of itself that it caught up just now (KIP-836,
    LeaderState.java). A cluster that does not say it fails nothing.
    """
    before_ms, start_s = now_ms(), time.perf_counter()
    try:
        quorum = await admin.quorum()
    except KconError as refusal:
        detail = f"not compared: {refusal.message}"
        return Step(plane="admin", name="clock", target="controller", took_ms=0, detail=detail)
    took_ms = (time.perf_counter() - start_s) * 1000
    told = [each.last_caught_up_ms for each in quorum.voters if each.id == quorum.leader_id]
    target = f"controller {quorum.leader_id}"
    if not told or told[0] is None:
        detail = "not compared: the cluster does not tell its time"
        return Step(plane="admin", name="clock", target=target, took_ms=took_ms, detail=detail)
    # The time was taken somewhere between the question and its answer.
    skew_ms = told[0] - (before_ms + took_ms / 2)
    way = "ahead of" if skew_ms > 0 else "behind"
    sentence = f"its clock is {_time_text(abs(skew_ms))} {way} this machine's, to within {_time_text(took_ms / 2)}"
    error = None
    if abs(skew_ms) - took_ms / 2 > SKEW_MS_MAX:
        error = KconError(
            f"The clock of {target} is {_time_text(abs(skew_ms))} {way} this machine's.",
            "Times such as @-1h, and lag as time, are off by so much: set the clock that is wrong.",
        )
    return Step(plane="admin", name="clock", target=target, took_ms=took_ms, detail=sentence, error=error)


def _time_text(span_ms: float) -> str:
    return f"{span_ms:.0f} ms" if span_ms < 10_000 else f"{span_ms / 1000:,.0f} s"


async def _check_records(session: "Session") -> Step:
    from kcon.records.reach import reach

    context = session.context
    work = asyncio.to_thread(reach, context, min(context.timeout_ms / 1000, 10.0))
    step, _ = await _timed("records", "connect", ",".join(context.bootstrap), work, lambda count: f"{count} brokers")
    return step


async def _timed(
    plane: str, name: str, target: str, work: Awaitable[T], detail: Callable[[T], str]
) -> tuple[Step, list[T]]:
    """Take the time of one step. Return it, and what came of it: one value, or none after a failure."""
    start_s = time.perf_counter()
    results: list[T] = []
    error: KconError | None = None
    text = ""
    try:
        results.append(await work)
        text = detail(results[0])
    except KconError as failure:
        error = failure
    took_ms = (time.perf_counter() - start_s) * 1000
    step = Step(
        plane=plane, name=name, target=display_safe(target), took_ms=took_ms, detail=display_safe(text), error=error
    )
    return step, results


def _secrets_detail(session: "Session") -> str:
    security = session.context.security
    if security.uses_sasl:
        return f"{security.protocol}, {security.mechanism} as {security.principal}"
    return security.protocol
