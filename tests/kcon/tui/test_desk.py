"""Several clusters are open at once: each has its own picture, and says once what cannot wait."""

from typing import Any

from kcon.contexts.context import Context
from kcon.tui.address import Topics
from kcon.tui.desk import BEHIND_INTERVAL_MS, DESKS_MAX, Desk
from kcon.tui.needs import Need


def need(subject: str, what: str, *, page: bool = True) -> Need:
    return Need(page, subject, what, "", Topics())


def test_what_cannot_wait_is_new_once(consoles: Any) -> None:
    context = Context(name="prod", bootstrap=("fake:9092",))
    desk = Desk(context, consoles.launch().open_engine(context), consoles)
    assert not desk.has_new_page([need("billing", "DEAD 2s")]), "what was there at the first look is no news"
    assert not desk.has_new_page([need("billing", "DEAD 4s"), need("etl", "GROWS 1s", page=False)])
    assert desk.has_new_page([need("billing", "DEAD 6s"), need("etl", "STOP 1s")])
    assert not desk.has_new_page([need("etl", "STOP 3s")])
    assert desk.has_new_page([need("billing", "DEAD 8s"), need("etl", "STOP 5s")])


def test_clusters_stay_open_and_the_one_out_of_sight_is_looked_at_less(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        first = console.app.desks[0]
        for number in range(DESKS_MAX):
            console.app.use_context(Context(name=f"other-{number}", bootstrap=("fake:9092",)))
            await console.until(
                lambda number=number: f"other-{number}" in console.text() and "billing" in console.text()
            )
            if number == 0:
                assert first.engine.interval_ms == BEHIND_INTERVAL_MS
                console.app.use_context(first.context)
                assert console.app.desks[-1] is first
                assert first.engine.interval_ms != BEHIND_INTERVAL_MS
        assert len(console.app.desks) == DESKS_MAX

    consoles.run(test)
