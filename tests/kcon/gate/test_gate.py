"""The gate: who gets a permit, what a permit is good for, and what is written down about it."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from kcon.contexts.context import Context, Mode
from kcon.core.ids import ClusterId
from kcon.core.wire_text import WireText
from kcon.errors import ExitCode, RefusedError
from kcon.gate.gate import Gate, confirmation_name
from kcon.gate.permit import MINT, Operation, Permit, _Mint


class Kept:
    def __init__(self, *, broken: bool = False) -> None:
        self.entries: list[Mapping[str, object]] = []
        self._broken = broken

    def write(self, entry: Mapping[str, object]) -> None:
        if self._broken:
            raise RefusedError("Cannot write the audit log.")
        self.entries.append(entry)


@dataclass
class SomePlan:
    operation: Operation = Operation.TOPIC_DELETE
    targets: frozenset[str] = frozenset({"orders"})
    confirmed_by: str | None = "-y"


def gate(audit: Kept | None = None, mode: Mode = Mode.READ_WRITE, mode_source: str = "") -> Gate:
    context = Context(name="prod", bootstrap=("b:9092",), mode=mode, sources={"mode": mode_source})
    return Gate(context, audit or Kept(), cluster_id=ClusterId(WireText("c1")), now_ms=lambda: 7, user="ann")


def use(permit: Permit, **changes: object) -> None:
    wanted = {"context": "prod", "operation": Operation.TOPIC_DELETE, "targets": {"orders"}} | changes
    with permit.use(**wanted):  # type: ignore[arg-type]  # The point is to vary one argument at a time.
        permit.check(permit.operation, permit.targets)


def test_confirmed_plan_gets_a_permit_for_itself() -> None:
    permit = gate().authorise(SomePlan())
    assert (permit.context, permit.operation, permit.targets) == ("prod", Operation.TOPIC_DELETE, frozenset({"orders"}))
    use(permit)
    assert permit.is_used


def test_read_only_context_refuses_and_says_where_it_comes_from() -> None:
    with pytest.raises(RefusedError) as caught:
        gate(mode=Mode.READ_ONLY, mode_source="environment KCON_READ_ONLY").authorise(SomePlan())
    assert caught.value.exit_code is ExitCode.REFUSED
    assert "read-only" in caught.value.message
    assert "KCON_READ_ONLY" in caught.value.hint


@pytest.mark.parametrize("confirmed_by", [None, ""])
def test_unconfirmed_plan_is_refused(confirmed_by: str | None) -> None:
    with pytest.raises(RefusedError, match="not confirmed"):
        gate().authorise(SomePlan(confirmed_by=confirmed_by))


def test_plan_without_targets_is_refused() -> None:
    with pytest.raises(RefusedError, match="no target"):
        gate().authorise(SomePlan(targets=frozenset()))


@pytest.mark.parametrize("confirmed_by", ["-y", "prompt", "dialog", "name:order", "name:"])
def test_protected_context_wants_the_very_name(confirmed_by: str) -> None:
    with pytest.raises(RefusedError) as caught:
        gate(mode=Mode.PROTECT).authorise(SomePlan(confirmed_by=confirmed_by))
    assert "--confirm orders" in caught.value.hint


def test_protected_context_takes_the_name() -> None:
    assert gate(mode=Mode.PROTECT).authorise(SomePlan(confirmed_by="name:orders")).targets == {"orders"}


def test_name_to_type_for_several_targets_is_their_count() -> None:
    assert confirmation_name(frozenset({"a", "b"})) == "2 targets"


def test_audit_holds_the_intent_and_the_result() -> None:
    audit = Kept()
    door = gate(audit)
    permit = door.authorise(SomePlan())
    door.record_result(permit, ok=True, detail={"deleted": 1})
    first, second = audit.entries
    assert (first["event"], second["event"]) == ("authorised", "done")
    assert first["permit"] == second["permit"] == permit.id
    assert (first["time_ms"], first["user"], first["cluster_id"], first["targets"]) == (7, "ann", "c1", ["orders"])
    assert first["confirmed_by"] == "-y"


def test_refusal_is_written_down_too() -> None:
    audit = Kept()
    with pytest.raises(RefusedError):
        gate(audit, mode=Mode.READ_ONLY).authorise(SomePlan())
    assert [entry["event"] for entry in audit.entries] == ["refused"]


def test_what_cannot_be_audited_is_not_permitted() -> None:
    with pytest.raises(RefusedError, match="audit"):
        gate(Kept(broken=True)).authorise(SomePlan())


def test_many_targets_are_counted_and_cut() -> None:
    audit = Kept()
    gate(audit).authorise(SomePlan(targets=frozenset(f"t{i}" for i in range(1_500))))
    (entry,) = audit.entries
    assert entry["target_count"] == 1_500
    assert len(entry["targets"]) == 1_000  # type: ignore[arg-type]  # An object by type, a list by content.


# --- permits --------------------------------------------------------------------------------------------------


def test_permit_is_good_for_one_use() -> None:
    permit = gate().authorise(SomePlan())
    use(permit)
    with pytest.raises(RefusedError, match="used already"):
        use(permit)


def test_permit_is_spent_by_a_failed_use_too() -> None:
    permit = gate().authorise(SomePlan())
    with pytest.raises(ZeroDivisionError), permit.use(context="prod", operation=permit.operation, targets={"orders"}):
        raise ZeroDivisionError
    with pytest.raises(RefusedError):
        use(permit)


@pytest.mark.parametrize(
    "changes",
    [{"context": "dev"}, {"operation": Operation.TOPIC_CREATE}, {"targets": {"orders", "payments"}}],
    ids=["context", "operation", "targets"],
)
def test_permit_is_bound_to_what_was_confirmed(changes: dict[str, object]) -> None:
    permit = gate().authorise(SomePlan())
    with pytest.raises(RefusedError):
        use(permit, **changes)
    assert not permit.is_used


def test_permit_is_no_good_outside_its_use() -> None:
    permit = gate().authorise(SomePlan())
    with pytest.raises(RefusedError, match="not in use"):
        permit.check(Operation.TOPIC_DELETE, {"orders"})
    use(permit)
    with pytest.raises(RefusedError, match="not in use"):
        permit.check(Operation.TOPIC_DELETE, {"orders"})


def test_permit_cannot_be_forged() -> None:
    with pytest.raises(TypeError):
        Permit(_Mint(), permit_id="x", context="prod", operation=Operation.PRODUCE, targets=frozenset({"t"}))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_permit_cannot_be_duplicated(duplicate: object) -> None:
    permit = gate().authorise(SomePlan())
    assert callable(duplicate)
    with pytest.raises(TypeError):
        duplicate(permit)


@pytest.mark.parametrize("name", ["targets", "operation", "context", "more"])
def test_permit_cannot_be_widened(name: str) -> None:
    permit = gate().authorise(SomePlan())
    with pytest.raises(AttributeError):
        setattr(permit, name, frozenset({"everything"}))


def test_permit_cannot_be_subclassed() -> None:
    with pytest.raises(TypeError):
        type("Forged", (Permit,), {})
    assert isinstance(MINT, _Mint)
