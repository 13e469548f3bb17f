"""One group: the same numbers as the CLI's, unknown ones as dashes, and the way to the record at the commit."""

from typing import Any

import pytest

from kcon.core.ids import ClientId, HostName, MemberId, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.typed_group import ShareGroup, ShareMember, ShareOffset, StreamsGroup, StreamsMember, StreamsTasks
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError
from kcon.tui.screens.records import RecordsScreen
from tests.kcon.conftest import FakeGroup


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


def share_member(name: str, *partitions: int) -> ShareMember:
    where = tuple(TopicPartition(topic_name("orders"), partition) for partition in partitions)
    text = WireText(name)
    return ShareMember(MemberId(text), ClientId(text), HostName(WireText("/h")), None, (WireText("orders"),), where)


@pytest.mark.parametrize("knows_kind", [True, False], ids=["from the list", "asked for"])
def test_a_share_group_shows_its_places_and_who_shares_them(consoles: Any, knows_kind: bool) -> None:
    """Members share partitions; the lag is what the broker says, for records are done with out of order."""
    group = group_id("sg")
    consoles.cluster.groups_by_id["sg"] = FakeGroup(state="Stable", kind="share")
    places = [
        ShareOffset(TopicPartition(topic_name("orders"), partition), start, lag, None)
        for partition, start, lag in ((0, 60, 33), (1, 50, None), (2, None, None))
    ]
    told = ShareGroup(group, "Stable", 7, "simple", 1, (share_member("c1", 0, 1), share_member("c2", 0)))
    consoles.cluster.answers |= {"describe_share_groups": {group: told}, "share_offsets": {group: tuple(places)}}
    consoles.size = (140, 30)

    async def test(console: Any) -> None:
        text = await console.until("orders/2")
        rows = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("orders/")}
        assert "share Stable gen 7" in text
        assert rows["orders/0"][1:4] == ["60", "100", "33"]
        assert rows["orders/1"][1:4] == ["50", "90", "40"]
        assert rows["orders/2"][1:4] == ["—", "10", "—"]
        assert "2 members" in next(line for line in text.splitlines() if line.startswith("orders/0"))
        assert "c1@h" in next(line for line in text.splitlines() if line.startswith("orders/1"))
        await console.press("2")
        assert "orders/0 orders/1" in await console.until("c2")
        assert "acknowledges records one by one" in str(console.view.why_not("skip"))
        await console.press("R")
        assert "share reset sg --to" in console.text()

    if knows_kind:

        async def from_list(console: Any) -> None:
            await console.until(lambda: console.app.snapshot is not None)
            console.app.execute_line("group/sg")
            await test(console)

        consoles.run(from_list)
    else:
        consoles.run(test, "group/sg")


def test_a_streams_group_shows_tasks_and_who_owns_their_partitions(consoles: Any) -> None:
    group = group_id("app")
    consoles.cluster.commit("app", "orders", 0, 60)
    consoles.cluster.groups_by_id["app"].kind = "streams"
    consoles.cluster.groups_by_id["app"].state = "Stable"
    tasks = (
        StreamsTasks("active", WireText("0"), (0, 2)),
        StreamsTasks("standby", WireText("0"), (1,)),
    )
    member = StreamsMember(
        MemberId(WireText("m1")), ClientId(WireText("c1")), HostName(WireText("/h")), WireText("p1"), 1, False, tasks
    )
    told = StreamsGroup(group, "Stable", 5, 1, ((WireText("0"), (WireText("orders"),)),), 1, (member,))
    consoles.cluster.answers["describe_streams_groups"] = {group: told}
    consoles.size = (140, 30)

    async def test(console: Any) -> None:
        text = await console.until("orders/2")
        assert "streams Stable gen 5" in text
        lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("orders/")}
        assert set(lines) == {"orders/0", "orders/2"}
        assert lines["orders/0"].split()[1:4] == ["60", "100", "40"]
        assert all("c1@h" in line for line in lines.values())
        await console.press("2")
        assert "active 0_0 0_2, standby 0_1" in await console.until("active")

    consoles.run(test, "group/app")


@pytest.mark.parametrize("kind", ["share", "streams"])
def test_a_group_of_a_newer_kind_that_cannot_be_described_is_a_sentence(consoles: Any, kind: str) -> None:
    group = group_id("new")
    consoles.cluster.groups_by_id["new"] = FakeGroup(state="Stable", kind=kind)
    consoles.cluster.answers |= {
        f"describe_{kind}_groups": {group: kafka_error(35)},
        "share_offsets": {group: ()},
    }

    async def test(console: Any) -> None:
        assert "UNSUPPORTED_VERSION" in await console.until("UNSUPPORTED")

    consoles.run(test, "group/new")
