"""How is a change carried out on the command line? Plan, question, apply, outcome: the same for every command.

It asks only where somebody can answer. Otherwise the plan is shown and the command ends with exit code 6, unless
-y, --execute or --confirm agreed beforehand; --dry-run shows the plan and ends with 0.
"""

from collections.abc import Awaitable, Callable, Sequence

from kcon.cli.document import Document, ItemError, exit_code_of
from kcon.cli.invocation import Invocation
from kcon.commands.request import Confirmation, OutputFormat
from kcon.contexts.context import Context, Mode
from kcon.core.frozen import Frozen
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, RefusedError
from kcon.gate.gate import confirmation_name
from kcon.gate.permit import Operation
from kcon.services.session import Session


class Outcome(Frozen):
    """What became of a change."""

    errors: Sequence[ItemError] = ()
    notes: Sequence[str] = ()
    document: Document | None = None
    """The answer with its results; None: the plan's own."""


class Change(Frozen):
    """A planned change, ready to be shown and carried out."""

    operation: Operation
    targets: frozenset[str]
    document: Document
    """The plan."""
    question: str
    """What is asked, e.g. `Delete 3 topics?`"""
    apply: Callable[[str], Awaitable[Outcome]]
    """Carries it out; the argument says who confirmed it."""
    by_pattern: bool = False
    """The targets were found by a pattern: they are listed, and -y is wanted instead of an answer."""
    context: Context | None = None
    """Of the cluster that is changed; None: the command's own."""
    is_long: bool = False
    """It moves data and takes as long as it takes: each request has a deadline, the whole has none."""
    is_empty: bool = False
    """There is nothing to do."""
    blocked: KconError | None = None
    """Why it cannot be carried out now; the plan is shown and this is the end of it."""


def refuse_early(session: Session, operation: Operation, confirmation: Confirmation) -> None:
    """Refuse a change of a read-only context before anything is asked of the cluster. A dry run may go on."""
    if not confirmation.dry_run:
        session.gate.refuse_if_read_only(operation)


async def carry_out(invocation: Invocation, confirmation: Confirmation, change: Change) -> int:
    """Show the plan, have it confirmed, apply it, say what became of it; return the exit code."""
    document = change.document
    if confirmation.dry_run or change.is_empty:
        code = invocation.show(document)
        if confirmation.dry_run:
            invocation.diagnostics.note("Dry run: nothing was changed.")
        return code
    for_people = invocation.writer.format in {OutputFormat.TABLE, OutputFormat.WIDE}
    shown = False
    try:
        if change.blocked is not None:
            raise change.blocked
        confirmed_by = _confirmed_beforehand(invocation, confirmation, change)
        if for_people or confirmed_by is None:
            _show_plan(invocation, document, for_people=for_people)
            shown = for_people
        if confirmed_by is None:
            confirmed_by = await _ask(invocation, change)
        if change.is_long:
            outcome = await change.apply(confirmed_by)
        else:
            async with invocation.deadline():
                outcome = await change.apply(confirmed_by)
    except KconError:
        if not shown:
            invocation.show(document)
        raise
    return _show_outcome(invocation, document, outcome, shown=shown)


def _show_plan(invocation: Invocation, document: Document, *, for_people: bool) -> None:
    """Show the plan before the question: as the answer itself, or on standard error when that goes elsewhere."""
    if for_people:
        invocation.writer.document(document)
    elif invocation.environment.is_interactive:
        for line in invocation.writer.table_text(document).splitlines():
            invocation.diagnostics.plain_line(line)
    for note in document.notes:
        invocation.diagnostics.note(note)


def _show_outcome(invocation: Invocation, plan: Document, outcome: Outcome, *, shown: bool) -> int:
    errors = [*plan.errors, *outcome.errors]
    if not shown:
        answer = (outcome.document or plan).with_changes(errors=errors)
        invocation.writer.document(answer)
    if shown or not invocation.writer.is_structured:
        invocation.diagnostics.item_errors(errors)
    for note in outcome.notes:
        invocation.diagnostics.note(note)
    return exit_code_of(errors)


def _confirmed_beforehand(invocation: Invocation, confirmation: Confirmation, change: Change) -> str | None:
    """Return what the options agreed to; None when it must be asked. RefusedError when nobody can be asked."""
    protected = (change.context or invocation.context).mode is Mode.PROTECT
    agreed = confirmation.confirmed_by
    interactive = invocation.environment.is_interactive
    if agreed is not None and not (protected and confirmation.name is None and interactive):
        return agreed
    if change.by_pattern and agreed is None:
        raise RefusedError(
            "A pattern named the targets, so nothing was changed.", "Read the list, then repeat it with --execute."
        )
    if interactive:
        return None
    hint = "Repeat it with --execute (or -y) when the plan is right."
    if protected:
        hint = f"This context is protected: repeat it with --confirm {display_safe(confirmation_name(change.targets))}."
    raise RefusedError("Not confirmed: nothing was changed.", hint)


async def _ask(invocation: Invocation, change: Change) -> str:
    """Return who confirmed. RefusedError when the answer is no."""
    context = change.context or invocation.context
    if context.mode is Mode.PROTECT:
        wanted = confirmation_name(change.targets)
        typed = await invocation.diagnostics.ask(
            f"Context {context.name} is protected. Type {display_safe(wanted)} to confirm:"
        )
        if typed == wanted:
            return f"name:{typed}"
    else:
        answer = await invocation.diagnostics.ask(f"{change.question} [y/N]")
        if answer is not None and answer.lower() in {"y", "yes"}:
            return "prompt"
    raise RefusedError("Not confirmed: nothing was changed.")
