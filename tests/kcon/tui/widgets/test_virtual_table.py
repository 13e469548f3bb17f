"""The virtual table: what a key press costs, and that the cursor stays where a person put it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult

from kcon.tui.rows import Column, Rows, parse_filter
from kcon.tui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column(key="name", title="NAME", flex=True, search=True),
    Column(key="lag", title="LAG", right=True, sums=True, counts_unknown=True),
    Column(key="size", title="SIZE", right=True, drop=1),
    Column(key="note", title="NOTE", drop=2),
)
HEIGHT = 24
VISIBLE = HEIGHT - 2


def rows(count: int, *, first: int = 0, lag: Callable[[int], int | None] = lambda index: index) -> Rows:
    indexes = range(first, first + count)
    return Rows(
        keys=[f"row-{index:06}" for index in indexes],
        values={
            "name": [f"row-{index:06}" for index in indexes],
            "lag": [lag(index) for index in indexes],
            "size": [index * 1_000 for index in indexes],
            "note": ["x"] * count,
        },
    )


class Harness(App[None]):
    """One table on a screen."""

    def __init__(self, table: VirtualTable) -> None:
        super().__init__()
        self.table = table
        self.opened: list[object] = []

    def on_virtual_table_chosen(self, event: VirtualTable.Chosen) -> None:
        self.opened.append(event.key)

    def compose(self) -> ComposeResult:
        yield self.table


def run(
    test: Callable[[Any, VirtualTable], Awaitable[None]], *, size: tuple[int, int] = (80, HEIGHT), **named: Any
) -> None:
    async def main() -> None:
        table = VirtualTable(COLUMNS, **named)
        async with Harness(table).run_test(size=size) as pilot:
            table.focus()
            await pilot.pause()
            await test(pilot, table)

    asyncio.run(main())


def cursor(table: VirtualTable) -> object:
    """Return the key under the cursor, asked anew."""
    return table.cursor_key


def lines(table: VirtualTable) -> list[str]:
    return ["".join(segment.text for segment in table.render_line(y)) for y in range(table.size.height)]


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_a_key_press_draws_no_more_rows_than_are_visible_and_two(count: int) -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(count))
        await pilot.pause()
        for key in ("down", "down", "up", "pagedown", "end", "up", "pageup", "home", "j", "k"):
            before = table.rows_rendered
            await pilot.press(key)
            await pilot.pause()
            assert table.rows_rendered - before <= VISIBLE + 2, key

    run(test)


def test_a_step_within_the_page_draws_two_rows() -> None:
    """The row that had the cursor, and the one that gets it."""

    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(10_000))
        await pilot.pause()
        before = table.rows_rendered
        await pilot.press("down")
        await pilot.pause()
        assert table.rows_rendered - before <= 2

    run(test)


def test_the_cursor_stays_on_its_row_and_its_line_while_rows_come_and_go() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(1_000))
        table.select("row-000500")
        await pilot.press("up", "up", "up")
        await pilot.pause()
        line = next(y for y, line in enumerate(lines(table)) if "row-000497" in line)
        table.set_rows(rows(1_000, first=100))
        assert cursor(table) == "row-000497"
        assert "row-000497" in lines(table)[line]
        table.set_rows(rows(400))
        assert cursor(table) == "row-000397", "its row is gone: the place stays"

    run(test)


def test_the_cursor_stays_on_its_row_while_the_order_changes() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(100))
        table.select("row-000042")
        table.sort_by("lag", down=True)
        assert cursor(table) == "row-000042"
        assert table.visible_keys.index("row-000042") >= 0
        table.set_rows(rows(100, lag=lambda index: -index))
        assert cursor(table) == "row-000042"

    run(test)


def test_a_tail_stays_at_its_end_unless_the_cursor_was_moved() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.sticks_to_end = True
        table.set_rows(rows(100))
        assert cursor(table) == "row-000099"
        table.set_rows(rows(120))
        assert cursor(table) == "row-000119"
        await pilot.press("up")
        table.set_rows(rows(150))
        assert cursor(table) == "row-000118"

    run(test)


def test_the_least_needed_columns_go_first() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(100))
        titles = []
        for width in (80, 28, 20, 8):
            await pilot.resize_terminal(width, HEIGHT)
            await pilot.pause()
            titles.append(lines(table)[0].split())
        assert titles[0] == ["NAME", "LAG", "SIZE", "NOTE"]
        assert titles[1] == ["NAME", "LAG", "SIZE"]
        assert titles[2] == ["NAME", "LAG"]
        assert titles[3][-1] == "LAG"

    run(test)


def test_no_line_is_wider_than_the_table(widths: Callable[[Sequence[str]], set[int]]) -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        names = ["日本語" * 30, "a" * 300, "עברית", "e\u0301" * 50, ""]
        table.set_rows(Rows(keys=names, values={"name": names, "lag": [None, 1, 2, 10**18, 0]}))
        for width in (200, 80, 33, 11, 5, 1):
            await pilot.resize_terminal(width, HEIGHT)
            await pilot.pause()
            assert widths(lines(table)) == {width}

    run(test)


def test_the_last_line_sums_what_is_known_and_counts_the_rest() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(4, lag=lambda index: None if index == 2 else 1_000))
        last = lines(table)[-1]
        assert "3,000+?" in last
        assert "+ 1 unknown" in last
        assert "1/4" in last

    run(test)


def test_a_sum_that_is_wider_than_every_value_has_room() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(1_000, lag=lambda _index: 999))
        assert " 999,000" in lines(table)[-1]
        table.set_filter(parse_filter("000001"))
        assert " 999 " in lines(table)[-1]

    run(test)


def test_an_unknown_value_is_a_dash_and_never_zero() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(1, lag=lambda _index: None))
        assert lines(table)[1].split() == ["row-000000", "—", "0", "x"]
        assert "—" in lines(table)[-1]

    run(test)


def test_a_filter_says_how_many_of_how_many() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(1_000))
        table.set_filter(parse_filter("99$"))
        assert table.row_count == 10
        assert "1/10 of 1,000 /99$" in lines(table)[-1]
        table.set_filter(parse_filter("nothing like it"))
        assert "no match for /nothing like it" in lines(table)[1]
        await pilot.press("down", "enter", "end")

    run(test)


def test_enter_opens_the_row_and_an_empty_table_has_none() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        await pilot.press("enter")
        assert table.cursor_key is None
        table.set_rows(rows(3))
        await pilot.press("down", "enter")
        await pilot.pause()
        assert pilot.app.opened == ["row-000001"]

    run(test)


def test_the_mouse_moves_sorts_and_opens() -> None:
    async def test(pilot: Any, table: VirtualTable) -> None:
        table.set_rows(rows(100))
        await pilot.pause()
        await pilot.click(VirtualTable, offset=(2, 5))
        assert cursor(table) == "row-000004"
        header = lines(table)[0]
        await pilot.click(VirtualTable, offset=(header.index("LAG"), 0))
        assert table.sort == ("lag", True)
        await pilot.click(VirtualTable, offset=(header.index("LAG"), 0))
        assert table.sort == ("lag", False)

    run(test)
