"""Nothing may pass a gate early, and nobody may be forgotten behind it."""

from kcon_broker.state.gate import Gate


class Noting:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def gate_passed(self, gate: Gate) -> None:
        self.seen.append("passed")

    def gate_failed(self, gate: Gate) -> None:
        self.seen.append("failed")


def test_waiter_is_told_when_the_mark_reaches_its_offset() -> None:
    gate, waiter = Gate(), Noting()
    gate.wait(10, waiter)
    gate.advance(9)
    assert waiter.seen == []
    gate.advance(10)
    assert waiter.seen == ["passed"]
    gate.advance(20)
    assert waiter.seen == ["passed"]


def test_waiter_for_an_older_offset_does_not_wait_behind_newer_ones() -> None:
    """A duplicate waits for the sync of the original, which comes before that of later batches."""
    gate, newer, older = Gate(), Noting(), Noting()
    gate.wait(20, newer)
    gate.wait(10, older)
    gate.advance(10)
    assert (older.seen, newer.seen) == (["passed"], [])


def test_failure_concerns_only_what_is_above() -> None:
    gate, written, lost = Gate(), Noting(), Noting()
    gate.wait(5, written)
    gate.wait(6, lost)
    gate.fail(above=5)
    assert (written.seen, lost.seen) == ([], ["failed"])
    gate.fail()
    assert written.seen == ["failed"]
