"""How are many items asked for at once? One request per broker and batch, retries per item, failures kept apart.

One slow or dead broker costs the items it is responsible for, never the others.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar

from kcon.admin.cluster import Deadline
from kcon.admin.dial import NotSentError, TimedOut
from kcon.admin.settings import AdminSettings
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.errors import AuthError, KconError, RefusedError, UnreachableError

Key = TypeVar("Key")
Value = TypeVar("Value")

REQUEST_TIMED_OUT: Final = 7
NETWORK_EXCEPTION: Final = 13
UNSUPPORTED_VERSION: Final = 35
SASL_AUTHENTICATION_FAILED: Final = 58

Route: TypeAlias = Callable[[Sequence[Key], bool], Awaitable[Mapping[Key, int | KafkaError]]]
"""Say which broker answers for each key, or why none does. The flag asks for fresh knowledge."""
Ask: TypeAlias = Callable[[int, Sequence[Key]], Awaitable[Mapping[Key, Value | KafkaError]]]
"""Ask one broker for some keys. A key that is missing from the answer counts as a network error."""


async def fan_out(
    keys: Collection[Key],
    *,
    route: Route[Key],
    ask: Ask[Key, Value],
    batch_max: int,
    settings: AdminSettings,
    deadline: Deadline,
    mutating: bool = False,
    needs: str = "",
) -> dict[Key, Value | KafkaError]:
    """Return a value or an error for every key, in the order of `keys`.

    mutating: after a broken connection do not ask again, because the change may have happened; and wait for a
    coordinator that is loading, or a topic of commits that is being created, as long as the deadline allows.
    needs: the ACL operation that the question takes, to be named where it is lacking.
    """
    results: dict[Key, Value | KafkaError] = {}
    unsent: set[Key] = set()
    """Changes that did not even leave: they may be tried again."""
    pending: list[Key] = list(keys)
    for attempt in count():
        if attempt:
            await pause(attempt, settings, deadline)
        routes = await _routed(route, pending, fresh=attempt > 0)
        by_broker: dict[int, list[Key]] = {}
        for key in pending:
            broker = routes[key]
            if isinstance(broker, KafkaError):
                results[key] = broker
            else:
                by_broker.setdefault(broker, []).append(key)
        await together(
            _ask_one(ask, broker_id, batch, results, unsent)
            for broker_id, mine in by_broker.items()
            for batch in batches(mine, batch_max)
        )
        failed = [key for key in pending if isinstance(results[key], KafkaError)]
        pending = [key for key in failed if _may_pass(results[key], attempt, settings, mutating and key not in unsent)]
        unsent.clear()
        if not pending or deadline.left_ms() <= 0:
            break
    for key, result in results.items() if needs else ():
        if isinstance(result, KafkaError):
            results[key] = result.lacking(needs)
    return {key: results[key] for key in keys}


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at once; the first failure ends the others and is raised as itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for one in work:
                tasks.create_task(one, name="together")
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


def batches(items: Sequence[Key], size: int) -> Iterator[Sequence[Key]]:
    """Cut a sequence into pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def as_item_error(error: KconError) -> KafkaError:
    """Turn the failure of one broker into the error of each item that it was responsible for."""
    if isinstance(error, TimedOut):
        return kafka_error(REQUEST_TIMED_OUT, error.message)
    if isinstance(error, UnreachableError):
        return kafka_error(NETWORK_EXCEPTION, error.message)
    if isinstance(error, AuthError):
        return kafka_error(SASL_AUTHENTICATION_FAILED, error.message)
    return kafka_error(UNSUPPORTED_VERSION, error.message)


async def _routed(route: Route[Key], keys: Sequence[Key], *, fresh: bool) -> Mapping[Key, int | KafkaError]:
    try:
        return await route(keys, fresh)
    except UnreachableError as error:
        if not fresh:
            raise  # Nobody was reached at all: that is the failure of the command.
        return dict.fromkeys(keys, as_item_error(error))


async def _ask_one(
    ask: Ask[Key, Value],
    broker_id: int,
    batch: Sequence[Key],
    results: dict[Key, Value | KafkaError],
    unsent: set[Key],
) -> None:
    try:
        told = await ask(broker_id, batch)
    except RefusedError:
        raise
    except KconError as error:
        told = dict.fromkeys(batch, as_item_error(error))
        if isinstance(error, NotSentError):
            unsent.update(batch)
    mine: dict[Key, Value | KafkaError] = dict.fromkeys(batch, kafka_error(NETWORK_EXCEPTION, "the answer left it out"))
    # A broker may tell of what it was not asked, which must not stand in for another's answer.
    mine.update(told if told.keys() <= mine.keys() else {key: told[key] for key in told if key in mine})
    results.update(mine)


def _may_pass(result: object, attempt: int, settings: AdminSettings, mutating: bool) -> bool:
    if not isinstance(result, KafkaError) or not result.retriable:
        return False
    if mutating and result.code in _OUTCOME_UNKNOWN:
        return False
    if mutating and result.code in _COORDINATOR_IS_COMING:
        return True
    return attempt < _RETRIES_MAX.get(result.code, settings.retries_max)


_OUTCOME_UNKNOWN: Final = frozenset({REQUEST_TIMED_OUT, NETWORK_EXCEPTION})
_COORDINATOR_IS_COMING: Final = frozenset({14, 15, 16})
"""Loading, not there yet, not that one: these follow one another for seconds where `__consumer_offsets` is new."""

# Where waiting seldom helps, a page must not wait. A broker that did not answer in time is not asked again; one
# that hung up may have restarted; "unknown topic" may only be stale metadata; a partition without a leader stays
# so for seconds or hours.
_RETRIES_MAX: Final = {3: 1, 5: 2, REQUEST_TIMED_OUT: 0, NETWORK_EXCEPTION: 1, 100: 1}


async def pause(attempt: int, settings: AdminSettings, deadline: Deadline) -> None:
    """Wait before an attempt; the first one after a failure is 1."""
    pause_ms = min(settings.retry_backoff_ms * 2 ** (attempt - 1), settings.retry_backoff_max_ms)
    await asyncio.sleep(min(pause_ms * random.uniform(0.5, 1.5), deadline.left_ms()) / 1000)
