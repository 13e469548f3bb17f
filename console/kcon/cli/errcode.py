"""`kcon errcode`: shows what error codes of Kafka mean."""

from typing import Final

from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.commands.errcode import Errcode
from kcon.commands.request import Request
from kcon.core.kafka_error import KafkaError, known_errors
from kcon.core.wire_text import display_safe
from kcon.errors import NotFoundError
from kcon.services.near_names import NEAR_MAX, did_you_mean, near_names

PART_MIN: Final = 4
"""A shorter part of a name says nothing."""
_COLUMNS = (
    Column(key="code", right=True),
    Column(key="name"),
    Column(key="retriable"),
    Column(key="hint"),
)


def run_errcode(request: Request, invocation: Invocation) -> int:
    """Show the errors that were asked for, or all."""
    assert isinstance(request, Errcode)
    errors = [_find(word) for word in request.codes] if request.codes else known_errors()
    items: list[Item] = [
        {"code": error.code, "name": error.name, "retriable": error.retriable, "hint": error.hint} for error in errors
    ]
    return invocation.show(Document(kind="ErrorCodeList", columns=_COLUMNS, items=items))


def _find(word: str) -> KafkaError:
    wanted = word.strip().upper()
    for error in known_errors():
        if wanted in (str(error.code), error.name):
            return error
    names = [error.name for error in known_errors()]
    near = [name for name in names if len(wanted) >= PART_MIN and wanted in name][:NEAR_MAX] or near_names(
        wanted, names
    )
    raise NotFoundError(
        f"There is no error {display_safe(word)} in Kafka.",
        did_you_mean(near, "`kcon errcode` alone lists all of them; 0 is success."),
    )
