"""How does one command ask several clusters at once (`-C a,b`)? Each by itself and at the same time, in one answer.

Every item says its context; a cluster that does not answer is one error among the others' items.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from kcon.cli.document import Column, Document, Item, ItemError, exit_code_of
from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, KconError, UsageError

CONTEXTS_MAX: Final = 50
COMMANDS: Final = frozenset(
    {
        *("topic list", "topic offsets", "group list", "group lag", "group members", "share list", "streams list"),
        *("broker list", "broker logdirs", "cluster info", "txn list", "acl list", "quota list", "user list"),
        *("reassign status", "check lag"),
    }
)
"""What lists or checks; whatever changes something is for one cluster."""

Runner = Callable[[Request, Invocation], Awaitable[int]]


def context_names(request: Request) -> tuple[str, ...]:
    """Return the contexts that `-C` names."""
    return tuple(
        dict.fromkeys(name for part in (request.shared.connection.context or "").split(",") if (name := part.strip()))
    )


async def run_several(request: Request, invocation: Invocation, runner: Runner) -> int:
    """Run the command in every context, show one answer. UsageError for a command that is not of `COMMANDS`."""
    names = context_names(request)
    if request.command not in COMMANDS:
        raise UsageError(
            f"{request.command} works with one context at a time.", "Several are for: " + ", ".join(sorted(COMMANDS))
        )
    if len(names) > CONTEXTS_MAX:
        raise UsageError(f"More than {CONTEXTS_MAX} contexts are named.")
    parts = [_Part(invocation, request, name) for name in names]
    outcomes = await asyncio.gather(*(_one(part, runner) for part in parts))
    errors = [error for part, failure in zip(parts, outcomes, strict=True) for error in _errors(part, failure)]
    documents = [(part.name, document) for part in parts for document in part.documents]
    if not documents:
        invocation.diagnostics.item_errors(errors)
        return exit_code_of(errors)
    invocation.view_format = next((part.view_format for part in parts if part.view_format is not None), None)
    return invocation.show(_merged(documents, errors, names))


class _Part(Invocation):
    """The command in one context: what it shows is kept."""

    def __init__(self, whole: Invocation, request: Request, name: str) -> None:
        shared = request.shared
        connection = shared.connection.with_changes(context=name)
        own = request.with_changes(shared=shared.with_changes(connection=connection))
        super().__init__(whole.environment, own, whole.open_console)
        self.name = name
        self.documents: list[Document] = []

    def show(self, document: Document) -> ExitCode:
        self.documents.append(document)
        return exit_code_of(document.errors)


async def _one(part: _Part, runner: Runner) -> KconError | None:
    try:
        await runner(part.request, part)
    except KconError as error:
        return error
    return None


def _errors(part: _Part, failure: KconError | None) -> list[ItemError]:
    name = display_safe(part.name)
    found = [
        ItemError(item=f"{name}: {each.item}", error=each.error)
        for document in part.documents
        for each in document.errors
    ]
    return found if failure is None else [*found, ItemError(item=f"context {name}", error=failure)]


def _merged(documents: list[tuple[str, Document]], errors: list[ItemError], names: tuple[str, ...]) -> Document:
    first = documents[0][1]
    rows: list[Item] = []
    items: list[Item] = []
    for name, document in documents:
        items += [{"context": name, **item} for item in document.items]
        rows += [{"context": name, **row} for row in (document.items if document.rows is None else document.rows)]
    return first.with_changes(
        columns=[Column(key="context"), *first.columns],
        items=items,
        rows=None if all(document.rows is None for _, document in documents) else rows,
        blocks=None,
        errors=errors,
        context=",".join(names),
        notes=[f"{name}: {note}" for name, document in documents for note in document.notes],
    )
