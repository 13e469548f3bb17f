"""The views of what an administrator looks after: rows of what is there, a sentence for what cannot be read."""

from types import SimpleNamespace
from typing import Any

import pytest

from kcon.errors import AuthError


@pytest.fixture(autouse=True)
def answers(administration: dict[str, Any]) -> dict[str, Any]:
    """Let the cluster answer everything."""
    return administration


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("brokers", ["b1:9092", "r1", "90%", "controller", "2.00 KiB"]),
        ("broker/1", ["/data", "BROKER", "disk 90%"]),
        ("quorum", ["leader 1 epoch 7", "leader"]),
        ("acls", ["User:alice", "topic orders", "allow", "deny"]),
        ("quotas", ["alice", "producer_byte_rate", "1,048,576"]),
        ("users", ["alice", "SCRAM-SHA-512", "4,096"]),
        ("transactions", ["pay-1", "Ongoing", "2m", "HANGS", "orders/0"]),
        ("reassignments", ["orders/0", "1,2"]),
    ],
)
@pytest.mark.parametrize("size", [(160, 30), (80, 24), (60, 15)])
def test_each_view_shows_what_the_cluster_tells(
    consoles: Any, widths: Any, address: str, words: list[str], size: tuple[int, int]
) -> None:
    async def test(console: Any) -> None:
        text = await console.until(words[0])
        if size[0] == 160:
            assert all(word in text for word in words), text
        assert widths(console.lines()) == {size[0]}

    consoles.size = size
    consoles.run(test, address)


@pytest.mark.parametrize("address", ["brokers", "quorum", "acls", "quotas", "users", "transactions", "reassignments"])
def test_a_right_that_is_missing_is_said_with_the_age_of_what_is_shown(
    consoles: Any, answers: dict[str, Any], address: str
) -> None:
    def refused(*_arguments: Any, **_named: Any) -> Any:
        raise AuthError("Not allowed to look.", "Ask for the right.")

    async def test(console: Any) -> None:
        await console.until(lambda: console.view.told is not None)
        rows = console.view.table.row_count
        for name in ("brokers", "quorum", "acls", "quotas", "scram_users", "transactions", "reassignments"):
            answers[name] = refused
        consoles.now_ms += 34_000
        await console.press("r")
        text = await console.until("Not allowed to look.")
        assert "Shown is what was known 34s ago." in text
        assert console.view.table.row_count == rows

    consoles.size = (140, 30)
    consoles.run(test, address)


def test_only_a_hanging_transaction_can_be_aborted(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("HANGS")
        await console.press("down", "X")
        await console.until("not on a transaction that hangs")
        await console.press("home", "X")
        text = await console.until("kcon    txn abort orders -p 0 --start-offset 40")
        assert "kafka-transactions.sh --bootstrap-server fake:9092 abort --topic orders --partition 0" in text

    consoles.run_command = lambda *_arguments: SimpleNamespace(code=0, out="{}", err="")
    consoles.run(test, "transactions")


def test_a_setting_is_changed_by_completing_its_command(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("/data")
        await console.press("3")
        await console.until("retention.ms")
        assert "Delete segments whose newest record is older than this" in console.text()
        await console.press("enter")
        await console.until("broker config 1 --set retention.ms=1000")

    consoles.size = (120, 30)
    consoles.run(test, "broker/1")


def test_columns_are_chosen_and_remembered(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("alice")
        await console.press("comma")
        await console.until("COLUMNS")
        await console.press("down", "space", "escape")
        await console.until(lambda: "MECHANISMS" not in console.text())
        await console.press("O")
        console.app.execute_line("users")
        await console.until("alice")
        assert "MECHANISMS" not in console.text()

    consoles.run(test, "users")


def test_the_log_names_what_was_asked_and_the_command_that_asks_the_same(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("alice")
        await console.press("l")
        text = await console.until("kcon user list")
        assert "read users" in text

    consoles.size = (140, 30)
    consoles.run(test, "users")
