"""Output formats, byte by byte."""

import io
import json
from collections.abc import Mapping

import pytest

from kcon.cli.document import Column, Document, Int64, ItemError, MadeItems, Value
from kcon.cli.environment import Environment
from kcon.cli.output import Writer, exact_text, json_text, yaml_lines
from kcon.commands.request import Output, OutputFormat
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError, UsageError

BIG = 2**63 - 1
COLUMNS = (Column(key="name"), Column(key="lag", right=True), Column(key="hosts", wide=True))
ITEMS: list[Mapping[str, Value]] = [
    {"name": WireText("b"), "lag": Int64(BIG), "hosts": ["x", "y"]},
    {"name": WireText("a\tb"), "lag": None, "hosts": []},
]
ERROR = ItemError(item="topic c", error=NotFoundError("Topic c does not exist.", "Look again."))
DOCUMENT = Document(kind="Test", context="here", columns=COLUMNS, items=ITEMS, errors=[ERROR])


def written(output: Output, *, terminal: bool = False, document: Document = DOCUMENT) -> bytes:
    stdout = io.BytesIO()
    environment = Environment(
        stdin=io.BytesIO(), stdout=stdout, stderr=io.BytesIO(), stdout_is_terminal=terminal, columns=80
    )
    Writer(environment, output).document(document)
    return stdout.getvalue()


def test_a_pipe_gets_tsv_with_a_header() -> None:
    assert written(Output()) == f"name\tlag\thosts\nb\t{BIG}\tx,y\na\\tb\t\t\n".encode()


def test_a_terminal_gets_a_table() -> None:
    assert written(Output(), terminal=True).decode() == (
        "NAME                        LAG\n"
        "b     9,223,372,036,854,775,807\n"
        "a␉b                           —\n"
    )  # fmt: skip


def test_wide_shows_every_column() -> None:
    assert written(Output(format=OutputFormat.WIDE), terminal=True).decode().split()[:3] == ["NAME", "LAG", "HOSTS"]


def test_json_envelope() -> None:
    told = json.loads(written(Output(format=OutputFormat.JSON)))
    assert told == {
        "kind": "Test",
        "apiVersion": "kcon/v1",
        "context": "here",
        "items": [{"name": "b", "lag": BIG, "hosts": ["x", "y"]}, {"name": "a\tb", "lag": None, "hosts": []}],
        "errors": [
            {
                "item": "topic c",
                "error": "NotFoundError",
                "message": "Topic c does not exist.",
                "hint": "Look again.",
                "exitCode": 5,
            }
        ],
    }


def test_int64_as_string() -> None:
    told = json.loads(written(Output(format=OutputFormat.JSON, int64_as_string=True)))
    assert [item["lag"] for item in told["items"]] == [str(BIG), None]


def test_ndjson_is_one_object_a_line() -> None:
    assert (
        written(Output(format=OutputFormat.NDJSON))
        == (f'{{"name":"b","lag":{BIG},"hosts":["x","y"]}}\n{{"name":"a\\tb","lag":null,"hosts":[]}}\n').encode()
    )


def test_csv_quotes_what_must_be() -> None:
    document = Document(kind="T", columns=COLUMNS[:2], items=[{"name": 'say "hi", you', "lag": Int64(1)}])
    assert written(Output(format=OutputFormat.CSV), document=document) == b'name,lag\n"say ""hi"", you",1\n'


def test_names_are_one_a_line() -> None:
    assert written(Output(format=OutputFormat.NAME)) == b"b\na\\tb\n"


def test_yaml() -> None:
    assert written(Output(format=OutputFormat.YAML)).decode() == (
        f'kind: "Test"\napiVersion: "kcon/v1"\ncontext: "here"\nitems:\n'
        f'  - name: "b"\n    lag: {BIG}\n    hosts:\n      - "x"\n      - "y"\n'
        f'  - name: "a\\tb"\n    lag: null\n    hosts: []\n'
        f'errors:\n  - item: "topic c"\n    error: "NotFoundError"\n    message: "Topic c does not exist."\n'
        f'    hint: "Look again."\n    exitCode: 5\n'
    )


def test_yaml_of_awkward_shapes() -> None:
    assert list(yaml_lines({"no": 1, "a.b": {}, "n": [[1], []]})) == [
        '"no": 1',
        '"a.b": {}',
        '"n":',
        "  - - 1",
        "  - []",
    ]


def test_no_headers() -> None:
    for chosen in (OutputFormat.TSV, OutputFormat.CSV, OutputFormat.TABLE):
        assert not written(Output(format=chosen, headers=False)).lower().startswith(b"name")


def test_columns_sort_and_limit() -> None:
    assert (
        written(Output(columns=("lag", "name"), sort=(("name", False),))) == f"lag\tname\n\ta\\tb\n{BIG}\tb\n".encode()
    )
    assert written(Output(sort=(("lag", True),), limit=1, columns=("name",))) == b"name\nb\n"
    assert json.loads(written(Output(format=OutputFormat.JSON, columns=("name",))))["items"][0] == {"name": "b"}


def test_an_unknown_column_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        written(Output(sort=(("size", False),)))
    assert "'size'" in caught.value.message
    assert "name, lag, hosts" in caught.value.hint


HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e\x7f"


@pytest.mark.parametrize("chosen", list(OutputFormat))
def test_nothing_a_terminal_acts_on_reaches_it(chosen: OutputFormat) -> None:
    """A topic name can hold an escape sequence that sets the clipboard; no format lets it through to a terminal."""
    document = Document(kind="T", columns=COLUMNS[:1], items=[{"name": WireText(HOSTILE)}], context=HOSTILE)
    text = written(Output(format=chosen), terminal=True, document=document).decode()
    assert not set(text) & set("\x1b\x07\x9b\x7f\u202e")


@pytest.mark.parametrize("chosen", [OutputFormat.TSV, OutputFormat.CSV, OutputFormat.NAME])
def test_a_pipe_gets_the_exact_text(chosen: OutputFormat) -> None:
    document = Document(kind="T", columns=COLUMNS[:1], items=[{"name": WireText(HOSTILE)}])
    assert HOSTILE.encode() in written(Output(format=chosen, headers=False), document=document)


def test_json_is_exact_and_harmless_at_once() -> None:
    assert json.loads(json_text(HOSTILE)) == HOSTILE
    assert json_text("日本") == '"日本"'
    assert json_text("\ud800") == '"\\ud800"'


def test_bytes_that_are_no_utf8_come_out_as_they_were() -> None:
    document = Document(kind="T", columns=COLUMNS[:1], items=[{"name": WireText.decode(b"caf\xe9")}])
    assert written(Output(headers=False), document=document) == b"caf\xe9\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (False, "false"), (1.5, "1.5"), ("a", "a"), ([1, 2], "1,2"), ({"a": 1}, '{"a":1}')],
)
def test_exact_text(value: object, text: str) -> None:
    assert exact_text(value) == text  # type: ignore[arg-type]  # The cases are values by construction.


@pytest.mark.parametrize("format_", list(OutputFormat))
@pytest.mark.parametrize(
    "more", [{}, {"limit": 1}, {"sort": (("name", True),)}, {"columns": ("lag",)}, {"headers": False}]
)
def test_items_made_when_they_are_read_look_like_any_others(format_: OutputFormat, more: Mapping[str, object]) -> None:
    output = Output(format=format_).with_changes(**more)
    made = DOCUMENT.with_changes(items=MadeItems((0, 1), lambda index: ITEMS[index]))
    assert written(output, document=made) == written(output)


def test_a_slice_of_made_items_makes_only_what_is_read() -> None:
    read: list[int] = []

    def make(number: int) -> Mapping[str, Value]:
        read.append(number)
        return {"n": number}

    items = MadeItems(range(1_000), make)
    assert len(items) == 1_000
    assert [item["n"] for item in items[2:4]] == [2, 3]
    assert items[-1] == {"n": 999}
    assert read == [2, 3, 999]
