"""How is a change of several items carried out, each with a result of its own? Authorise, send, write the audit line.

Most admin changes have this shape; those with an undo record or a re-check of their own stand in other modules.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from kcon.admin.client import Admin
from kcon.core.kafka_error import KafkaError
from kcon.gate.permit import Operation, Permit
from kcon.services.session import Session

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChanges(Generic[Key]):
    """Changes of one kind, planned."""

    operation: Operation
    targets: frozenset[str]
    """As the permit names them."""
    keys: tuple[Key, ...]
    label: Callable[[Key], str]
    """Names an item in errors and in the audit line."""
    send: Callable[[Admin, Permit], Awaitable[Mapping[Key, KafkaError | None]]]
    check: Callable[[Admin], Awaitable[Mapping[Key, KafkaError | None]]] | None = None
    """Lets the cluster check the change without doing it; None: it cannot."""
    by_pattern: bool = False
    confirmed_by: str | None = None


async def check_changes(session: Session, changes: ItemChanges[Key]) -> dict[Key, KafkaError | None]:
    """Let the cluster check the changes, where it can; None for each that would be done."""
    if changes.check is None or not changes.keys:
        return {}
    return dict(await changes.check(await session.admin()))


async def apply_changes(session: Session, changes: ItemChanges[Key], confirmed_by: str) -> dict[Key, KafkaError | None]:
    """Carry the changes out; None for each that is done."""
    permit = await session.authorise(replace(changes, confirmed_by=confirmed_by))
    results = dict(await changes.send(await session.admin(), permit))
    failed = {changes.label(key): error.name for key, error in results.items() if error is not None}
    session.gate.record_result(permit, ok=not failed, detail={"errors": failed})
    return results
