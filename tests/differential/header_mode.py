"""What does our broker answer otherwise with `record.validation=header`, where it does not look into the records?

`HEADER_MODE` is the table that docs/differences.md publishes; a test compares it with both modes. With `full`, the
default, the answers are Apache Kafka's.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from kcon_broker.batch.records import encode_batch
from kcon_broker.batch.validate import BatchError, BatchRules, validate_batch
from kcon_broker.wire.error_codes import ErrorCode
from tests.differential.generators.batches import BAD_BATCHES, GOOD_BATCHES, Recipe, records, sealed, with_field

TAKEN: Final = "taken"
_NOW_MS: Final = 1_700_000_000_000
_HOUR_MS: Final = 3_600_000
_PLAIN, _GZIP = 0, 1
_CODECS: Final = {_PLAIN: "plain", _GZIP: "compressed"}


class HeaderAnswer(NamedTuple):
    """One batch that the two modes judge differently."""

    batch: str
    stored: str
    """How its records are stored."""
    full: str
    header: str


def _innocent(base_ms: int, codec: int) -> bytes:
    """Return a batch of the far future whose header tells another time."""
    late = encode_batch([*records(base_ms, 1), *records(base_ms + 2 * _HOUR_MS, 1)], codec=codec)
    return with_field(sealed(late), 35, ">q", base_ms)


RECIPES: Final[Mapping[str, Recipe]] = {
    **GOOD_BATCHES,
    **BAD_BATCHES,
    "a record of the future under an innocent header": _innocent,
}

_RECORD, _SERVER, _TIME = "INVALID_RECORD", "UNKNOWN_SERVER_ERROR", "INVALID_TIMESTAMP"

HEADER_MODE: Final = (
    HeaderAnswer("largest timestamp that lies", "plain", TAKEN, _TIME),
    HeaderAnswer("largest timestamp that lies", "compressed", TAKEN, _TIME),
    HeaderAnswer("one record too many told", "plain", _RECORD, TAKEN),
    HeaderAnswer("one record too many told", "compressed", _RECORD, TAKEN),
    HeaderAnswer("one record too few told", "plain", _RECORD, TAKEN),
    HeaderAnswer("one record too few told", "compressed", _RECORD, TAKEN),
    HeaderAnswer("a huge count", "compressed", _RECORD, TAKEN),
    HeaderAnswer("garbage", "plain", _RECORD, TAKEN),
    HeaderAnswer("garbage", "compressed", _SERVER, TAKEN),
    HeaderAnswer("no payload", "compressed", _SERVER, _RECORD),
    HeaderAnswer("a negative record size", "plain", _RECORD, TAKEN),
    HeaderAnswer("a record size of 0", "compressed", _RECORD, TAKEN),
    HeaderAnswer("a negative number of headers", "plain", _RECORD, TAKEN),
    HeaderAnswer("a negative number of headers", "compressed", _RECORD, TAKEN),
    HeaderAnswer("too many headers", "plain", _RECORD, TAKEN),
    HeaderAnswer("too many headers", "compressed", _RECORD, TAKEN),
    HeaderAnswer("a record size too large", "plain", _RECORD, TAKEN),
    HeaderAnswer("a key too long", "plain", _RECORD, TAKEN),
    HeaderAnswer("a key too long", "compressed", _RECORD, TAKEN),
    HeaderAnswer("a null header key", "plain", _RECORD, TAKEN),
    HeaderAnswer("a null header key", "compressed", _RECORD, TAKEN),
    HeaderAnswer("an endless varint", "plain", _SERVER, _RECORD),
    HeaderAnswer("an endless varint", "compressed", _RECORD, TAKEN),
    HeaderAnswer("a record of the future under an innocent header", "plain", _TIME, TAKEN),
    HeaderAnswer("a record of the future under an innocent header", "compressed", _TIME, TAKEN),
)


def answer(batch: bytes, *, is_full: bool) -> str:
    """Return the name of the error code, or `TAKEN`."""
    found = validate_batch(batch, rules=BatchRules(mode="full" if is_full else "header"), now_ms=_NOW_MS)
    return ErrorCode(found.error_code).name if isinstance(found, BatchError) else TAKEN


def computed() -> list[HeaderAnswer]:
    """Return every batch that the two modes judge differently."""
    found = []
    for name, recipe in RECIPES.items():
        for codec, stored in _CODECS.items():
            batch = recipe(_NOW_MS, codec)
            full, header = answer(batch, is_full=True), answer(batch, is_full=False)
            if full != header:
                found.append(HeaderAnswer(name, stored, full, header))
    return found
