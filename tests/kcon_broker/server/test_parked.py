"""A parked request that is forgotten hangs its client; one asked twice answers twice."""

from typing import cast

from kcon_broker.handlers.registry import Park, RequestContext
from kcon_broker.server.exchange import Exchange
from kcon_broker.server.parked import ParkedTable


class FakeExchange:
    """Stands where an exchange stands; the table only sets and clears its `parked`."""

    parked: object = None


def nobody() -> RequestContext:
    return cast("RequestContext", object())  # The table hands it on and never looks at it.


def park(table: ParkedTable, until_ms: int, *keys: str) -> FakeExchange:
    exchange = FakeExchange()
    table.add(cast("Exchange", exchange), nobody(), Park(until_ms, keys, lambda _: None))
    return exchange


def due(table: ParkedTable, now_ms: int) -> list[object]:
    return [parked.exchange for parked in table.take_due(now_ms)]


def test_any_key_wakes_once() -> None:
    rounds: list[None] = []
    table = ParkedTable(lambda: rounds.append(None))
    waiting = park(table, 1_000, "a", "b")
    other = park(table, 1_000, "c")
    table.wake("b")
    table.wake("a")
    table.wake("nobody waits for this")
    assert len(rounds) == 1
    assert due(table, 0) == [waiting]
    table.wake("a")
    assert due(table, 0) == []
    assert (table.count, waiting.parked) == (1, None)
    assert other.parked is not None


def test_deadline_comes_at_its_millisecond() -> None:
    table = ParkedTable(lambda: None)
    late, early = park(table, 20, "a"), park(table, 10, "a")
    assert table.next_deadline_ms() == 10
    assert due(table, 9) == []
    assert due(table, 10) == [early]
    assert table.next_deadline_ms() == 20
    assert due(table, 50) == [late]
    assert table.next_deadline_ms() is None


def test_woken_at_its_deadline_is_asked_once() -> None:
    table = ParkedTable(lambda: None)
    waiting = park(table, 10, "a")
    table.wake("a")
    assert due(table, 10) == [waiting]


def test_removed_is_never_asked() -> None:
    table = ParkedTable(lambda: None)
    exchange = park(table, 10, "a")
    table.wake("a")
    parked = exchange.parked
    assert parked is not None
    table.remove(parked)  # type: ignore[arg-type]  # FakeExchange types it loosely.
    assert due(table, 10) == []
    assert (table.count, table.next_deadline_ms()) == (0, None)


def test_forgotten_deadlines_do_not_pile_up() -> None:
    """A consumer that polls for years leaves no trace of its past polls."""
    table = ParkedTable(lambda: None)
    for until_ms in range(10_000):
        park(table, 1_000_000 + until_ms, "a")
        table.wake("a")
        table.take_due(0)
    assert len(table._deadlines) < 1_000
