"""Which items of a list does `--where` keep? CEL over the columns of each item."""

from kcon.cli.document import Document, Item
from kcon.cli.output import plain
from kcon.core.filter.engine import compile_filter
from kcon.core.filter.outcome import FilterError, FilterErrors


def keep_matching(document: Document, where: str) -> Document:
    """Return the answer with the items, and the lines of its table, that the filter says yes to.

    UsageError when it is no CEL, or names a column that is not there. What it cannot judge becomes a note.
    """
    names = dict.fromkeys(column.key for column in document.columns)
    for item in document.items[:1]:
        names |= dict.fromkeys(item)
    compiled = compile_filter(where, {name: "dyn" for name in names if name.isidentifier()})
    errors = FilterErrors()

    def keeps(item: Item) -> bool:
        verdict = compiled.matches({name: plain(item.get(name)) for name in compiled.variables})
        if isinstance(verdict, FilterError):
            errors.add(verdict)
        return verdict is True

    kept = document.with_changes(items=[item for item in document.items if keeps(item)])
    if document.rows is not None:
        kept = kept.with_changes(rows=[row for row in document.rows if keeps(row)])
    unanswered = errors.sentence("items")
    return kept if unanswered is None else kept.with_changes(notes=[*document.notes, unanswered])
