"""The list of topics: what it shows, and that ten thousand of them cost no more than what is visible."""

from typing import Any

from kcon.tui.screens.records import RecordsScreen
from kcon.tui.screens.topics import TopicsScreen


def test_sizes_counts_and_sums(consoles: Any) -> None:
    async def test(console: Any) -> None:
        text = await console.until("160")
        orders = next(line for line in text.splitlines() if line.startswith("orders"))
        assert orders.split()[1:4] == ["3", "1", "160"]
        assert "165" in text.splitlines()[-2], "the sum of what is shown"
        assert "1 internal hidden" in text
        assert "__consumer_offsets" not in text

    consoles.size = (140, 30)
    consoles.run(test, "topics")


def test_ten_thousand_topics_cost_what_is_visible(consoles: Any) -> None:
    topic = type(consoles.cluster.topics_by_name["orders"])
    for index in range(10_000):
        consoles.cluster.topics_by_name[f"topic-{index:05}"] = topic([(0, index)])

    async def test(console: Any) -> None:
        await console.until("10,002 topics")
        table = console.view.table
        for key in ("down", "pagedown", "end", "up", "home", "s", "o", "down"):
            before = table.rows_rendered
            await console.press(key)
            assert table.rows_rendered - before <= table.size.height, key
        assert isinstance(console.view, TopicsScreen)

    consoles.run(test, "topics")


def test_f_follows_the_topic_under_the_cursor(consoles: Any, monkeypatch: Any) -> None:
    async def no_stream(_session: object, _query: object) -> None:
        raise AssertionError("not read in this test")

    monkeypatch.setattr("kcon.tui.record_reader.open_stream", no_stream)

    async def test(console: Any) -> None:
        await console.until("orders")
        await console.press("down", "f")
        await console.until(lambda: isinstance(console.view, RecordsScreen))
        assert console.view.cli_command() == "kcon tail orders"

    consoles.run(test, "topics")
