"""How is a change of several items shown and confirmed? A plan with one line an item, and the result beside each."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from kcon.cli.changes import Change, Outcome, carry_out
from kcon.cli.document import Column, Document, Item, ItemError, Value
from kcon.cli.invocation import Invocation
from kcon.commands.request import Confirmation
from kcon.core.frozen import Frozen
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import display_safe
from kcon.services.item_changes import ItemChanges, apply_changes, check_changes
from kcon.services.session import Session

Key = TypeVar("Key")


class Shape(Frozen):
    """How a kind of change is shown."""

    kind: str
    columns: Sequence[Column]
    """Without the result."""
    question: str
    planned: str
    """The result before it, e.g. `to be deleted`."""
    done: str
    """The result after it, e.g. `deleted`."""
    what: str
    """The items in plural, e.g. `partitions`."""
    name_key: str = "name"
    errors: Sequence[ItemError] = ()
    """What could not even be planned."""
    notes: Sequence[str] = ()


async def carry_out_items(
    invocation: Invocation,
    session: Session,
    confirmation: Confirmation,
    changes: ItemChanges[Key],
    shape: Shape,
    *,
    item: Callable[[Key], Mapping[str, Value]],
) -> int:
    """Show, ask, apply, show what became of it; return the exit code."""

    def document(results: Mapping[Key, KafkaError | None] | None, errors: Sequence[ItemError]) -> Document:
        items: list[Item] = []
        for key in changes.keys:
            error = (results or {}).get(key)
            word = shape.planned if results is None else shape.done
            items.append({**item(key), "result": word if error is None else error.name})
        return Document(
            kind=shape.kind,
            context=invocation.context.name,
            columns=(*shape.columns, Column(key="result")),
            items=items,
            name_key=shape.name_key,
            errors=errors,
            notes=shape.notes,
        )

    def failures(results: Mapping[Key, KafkaError | None]) -> list[ItemError]:
        return [
            ItemError(item=label, error=error.as_exception(label))
            for key, error in results.items()
            if error is not None and (label := display_safe(changes.label(key)))
        ]

    async def apply(confirmed_by: str) -> Outcome:
        results = await apply_changes(session, changes, confirmed_by)
        done = sum(error is None for error in results.values())
        return Outcome(
            errors=failures(results),
            notes=[f"{done:,} of {len(results):,} {shape.what} {shape.done}."],
            document=document(results, shape.errors),
        )

    plan = document(None, shape.errors)
    if confirmation.dry_run:
        async with invocation.deadline():
            checked = await check_changes(session, changes)
        plan = plan.with_changes(errors=[*shape.errors, *failures(checked)])
    return await carry_out(
        invocation,
        confirmation,
        Change(
            operation=changes.operation,
            targets=changes.targets,
            document=plan,
            question=shape.question,
            apply=apply,
            by_pattern=changes.by_pattern,
            is_empty=not changes.keys,
        ),
    )
