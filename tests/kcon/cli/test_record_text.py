"""One record as text: kcat's verbs, JSON, the plain value."""

import json

import pytest

from kcon.cli.record_text import record_writer
from kcon.commands.consume import RecordFormat
from kcon.core.ids import topic_name
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.records.record import Record, TimestampType


def record(key: bytes | None = b"k", value: bytes | None = b"v", **more: object) -> Record:
    fields = {"topic": topic_name("t"), "partition": 2, "offset": 2**53 + 1, "timestamp_ms": 1_700_000_000_000}
    return Record(
        **{**fields, "timestamp_type": TimestampType.CREATE_TIME, "key": key, "value": value, **more}  # type: ignore[arg-type]
    )


def written(chosen: RecordFormat, of: Record, *, safe: bool = False) -> bytes:
    return record_writer(chosen, safe=safe)(of)


def test_the_plain_value_is_exact() -> None:
    assert written(RecordFormat(), record(value=b"\x00\xff\x1b")) == b"\x00\xff\x1b\n"


def test_key_separator_delimiter_and_null() -> None:
    chosen = RecordFormat(key_separator=":", record_separator="|", null_text="NULL")
    assert written(chosen, record()) == b"k:v|"
    assert written(chosen, record(key=None, value=None)) == b"NULL:NULL|"
    assert written(RecordFormat(), record(value=None)) == b"\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("%t/%p/%o", b"t/2/9007199254740993"),
        ("%k=%s", b"k=v"),
        ("%K %S", b"1 1"),
        ("%R", b"\x00\x00\x00\x01"),
        ("%T%%", b"1700000000000%"),
        (r"%s\n\t\x41\\", b"v\n\tA\\"),
        ("%h", b"a=1,b=NULL"),
        ("plain", b"plain"),
    ],
)
def test_verbs(template: str, expected: bytes) -> None:
    headers = ((WireText("a"), b"1"), (WireText("b"), None))
    assert written(RecordFormat(kind="verbs", template=template), record(headers=headers)) == expected


def test_lengths_tell_null_from_empty() -> None:
    chosen = RecordFormat(kind="verbs", template="%K %S")
    assert written(chosen, record(key=None, value=b"")) == b"-1 0"


@pytest.mark.parametrize("template", ["%q", "%", "a%%%"])
def test_an_unknown_verb_is_a_usage_error(template: str) -> None:
    with pytest.raises(UsageError):
        record_writer(RecordFormat(kind="verbs", template=template), safe=False)


def test_json_tells_text_bytes_and_null_apart() -> None:
    headers = ((WireText("h"), b"\xff"),)
    line = written(RecordFormat(kind="ndjson"), record(key=b"\xff", value=None, headers=headers))
    assert line.endswith(b"\n")
    told = json.loads(line)
    assert told["offset"] == 2**53 + 1
    assert told["key_b64"] == "/w=="
    assert "key" not in told
    assert told["value"] is None
    assert told["headers"] == [{"name": "h", "value_b64": "/w=="}]
    assert told["timestamp_type"] == "CreateTime"


def test_int64_as_string() -> None:
    line = record_writer(RecordFormat(kind="ndjson"), safe=False, int64_as_string=True)(record())
    assert json.loads(line)["offset"] == "9007199254740993"


HOSTILE = b"\x1b]0;owned\x07\x9b2J\xc2\x9b[2J\xe2\x80\xae[bold]ok"


@pytest.mark.parametrize(
    "chosen", [RecordFormat(), RecordFormat(kind="verbs", template="%s %k %h\n"), RecordFormat(kind="ndjson")]
)
def test_a_hostile_record_is_harmless_on_a_terminal(chosen: RecordFormat) -> None:
    headers = ((WireText.decode(HOSTILE), HOSTILE),)
    text = written(chosen, record(key=HOSTILE, value=HOSTILE, headers=headers), safe=True).decode()
    assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert "[bold]ok" in text
    assert text.endswith("\n")
