"""Why a group lags: what one look shows at once, what is missing until then, and the commands to go on with."""

from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.tui.screens.why import WhyScreen
from kcon.tui.widgets.prompt import Prompt

ORDERS_0 = TopicPartition(topic_name("orders"), 0)


@pytest.fixture
def lagging(consoles: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return consoles over a group with a member that does not move; looks follow at once, time is the test's."""
    monkeypatch.setattr("kcon.services.group_watch.INTERVAL_MS", 0)
    monkeypatch.setattr("kcon.services.group_watch._steady_ms", lambda _from_ms: lambda: consoles.now_ms)
    consoles.cluster.answers.update(probe_times={}, producers={})
    group = consoles.cluster.groups_by_id["billing"]
    group.state = "Stable"
    group.members = [("app", [ORDERS_0])]
    group.commits = {ORDERS_0: group.commits[ORDERS_0]}
    return consoles


@pytest.mark.parametrize("address", ["group/billing", "groups", "overview"])
def test_w_tells_how_much_longer_it_watches_and_then_the_verdict(lagging: Any, address: str) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.until(lambda: "orders/0" in console.text() or address != "group/billing")
        await console.press("w")
        text = await console.until("need 10.0 s more")
        assert "done" not in text.splitlines()[0]
        lagging.now_ms += 4_000
        await console.until("need 6.0 s more")
        lagging.now_ms += 6_000
        text = await console.until("| done")
        assert "EVIDENCE" in text
        assert "more:" not in text
        assert "kcon group members billing" in text
        assert console.view.cli_command() == "kcon why billing"

    lagging.run(test, address)


def test_its_commands_are_offered_to_be_run_and_all_of_it_is_copied(lagging: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders/0")
        await console.press("w")
        await console.until("need 10.0 s more")
        lagging.now_ms += 10_000
        await console.until("| done")
        view = console.view
        assert isinstance(view, WhyScreen)
        command = view.copy_text("o")
        whole = view.copy_text("a")
        assert command is not None
        assert whole is not None
        assert f"next: {command}" in whole
        await console.press("enter")
        assert f"kcon {console.view.query_one(Prompt).value}" in {command, command.removesuffix(" --watch")}

    lagging.run(test, "group/billing")


def test_a_watch_that_is_left_asks_no_more(lagging: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders/0")
        await console.press("w")
        await console.until("need 10.0 s more")
        job = next(job for job in console.engine.jobs if job.name == "why billing")
        await console.press("escape")
        await console.until(job.task.done)
        assert job.task.cancelled()

    lagging.run(test, "group/billing")


def test_a_group_that_does_not_exist_is_a_sentence(lagging: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("Group nobody does not exist.")
        await console.press("w")
        await console.until("| failed")
        await console.until("Group nobody does not exist.")

    lagging.run(test, "group/nobody")
