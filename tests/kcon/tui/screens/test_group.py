"""One group: the same numbers as the CLI's, unknown ones as dashes, and the way to the record at the commit."""

from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.errors import NotFoundError
from kcon.tui.screens.records import RecordsScreen


def test_the_numbers_are_those_of_the_cli(consoles: Any, kcon: Any) -> None:
    """Both ask the same service; this holds them to the same writing, too."""
    expected = kcon.lines("group", "lag", "billing", "--output", "table", "--columns", "partition,committed,end,lag")
    by_partition = {line.split()[0]: line.split()[1:] for line in expected[1:]}

    async def test(console: Any) -> None:
        text = await console.until("orders/1")
        rows = {line.split()[0]: line.split()[1:4] for line in text.splitlines() if line.startswith("orders/")}
        assert rows == {f"orders/{partition}": numbers for partition, numbers in by_partition.items()}
        assert "lag 90" in text

    consoles.run(test, "group/billing")


def test_a_partition_without_a_commit_has_no_lag_and_not_zero(consoles: Any) -> None:
    group = consoles.cluster.groups_by_id["billing"]
    group.state = "Stable"
    group.members = [("app", [TopicPartition(topic_name("orders"), 2)])]

    async def test(console: Any) -> None:
        text = await console.until("NOCOMMIT")
        row = next(line for line in text.splitlines() if line.startswith("orders/2"))
        assert row.split()[1:4] == ["—", "10", "—"]
        assert "unknown 1" in text
        assert "+ 1 unknown" in text
        assert "app@10.0.0.1" in text

    consoles.run(test, "group/billing")


def test_time_lag_rates_and_state_are_those_of_the_sampler_from_the_first_look_on(consoles: Any) -> None:
    consoles.size = (140, 30)
    bounds = consoles.cluster.topics_by_name["orders"].bounds

    async def test(console: Any) -> None:
        for _look in range(12):
            consoles.now_ms += 10_000
            bounds[1] = (bounds[1][0], bounds[1][1] + 50)
            await console.engine.look()
        consoles.cluster.commit("billing", "orders", 1, bounds[1][1] - 100)
        console.app.execute_line("group/billing")
        text = await console.until("DEAD")
        row = next(line.split() for line in text.splitlines() if line.startswith("orders/1"))
        assert row[3] == "100"
        assert row[5] == "5/s", "fifty records every ten seconds"
        assert "19.9 s≈" in text, "written two looks ago, in the middle of its step"
        assert row[-1] == "DEAD", "records wait, and nobody is there"

    consoles.run(test)


def test_members_are_a_tab(consoles: Any) -> None:
    group = consoles.cluster.groups_by_id["billing"]
    group.state = "Stable"
    group.members = [("app", [TopicPartition(topic_name("orders"), 0)])]

    async def test(console: Any) -> None:
        await console.until("orders/1")
        await console.press("2")
        await console.until("app-1")
        assert "[2 Members 1]" in console.text()
        await console.press("3")
        await console.until("retention.ms")
        assert "[3 Config 1]" in console.text()
        await console.press("4")
        await console.until("nothing changed yet")
        group.state = "Empty"
        group.members = []
        consoles.now_ms += 3_000
        text = await console.until("state Stable > Empty")
        assert "app on /10.0.0.1 left" in text

    consoles.run(test, "group/billing")


def test_a_group_that_does_not_exist_is_a_sentence(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("Group nobody does not exist.")

    consoles.run(test, "group/nobody")


def test_enter_leads_to_the_record_at_the_commit(consoles: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_stream(_session: object, _query: object) -> None:
        raise NotFoundError("There is no record here.")

    monkeypatch.setattr("kcon.tui.record_reader.open_stream", no_stream)

    async def test(console: Any) -> None:
        await console.until("orders/1")
        await console.press("enter")
        await console.until(lambda: isinstance(console.view, RecordsScreen))
        assert console.view.cli_command() == "kcon consume orders -o 60 -p 0"
        await console.until("There is no record here.")

    consoles.run(test, "group/billing")
