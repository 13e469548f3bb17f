"""How is an answer written to standard output? The only writer of it.

Text goes out as UTF-8. What a terminal could act on is replaced wherever standard output is a terminal, and in
tables always; JSON escapes it, which is exact and harmless at once.
"""

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kcon.cli.document import Document, Int64, Item, Value
from kcon.cli.environment import Environment
from kcon.cli.pager import page
from kcon.cli.table import format_blocks, format_table
from kcon.commands.request import Output, OutputFormat
from kcon.core.escapes import escape_field
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, UsageError

API_VERSION: Final = "kcon/v1"
_JSON_UNSAFE: Final = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_YAML_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class Writer:
    """Writes documents and text to standard output in the chosen format."""

    def __init__(self, environment: Environment, output: Output) -> None:
        self._environment = environment
        self._stdout = environment.stdout
        self._columns = environment.columns
        self.is_terminal = environment.stdout_is_terminal
        self.output = output
        self.format = output.format or (OutputFormat.TABLE if self.is_terminal else OutputFormat.TSV)

    def prefer(self, chosen: OutputFormat) -> None:
        """Take this format for a terminal, unless the command line names one."""
        if self.is_terminal and self.output.format is None:
            self.format = chosen

    @property
    def is_structured(self) -> bool:
        """The format carries the errors of items itself."""
        return self.format in {OutputFormat.JSON, OutputFormat.YAML}

    def text(self, text: str) -> None:
        """Write text, made safe line by line on a terminal."""
        self.bytes(encode(display_safe(text, multiline=True) if self.is_terminal else text))

    def bytes(self, data: bytes) -> None:
        """Write bytes as they are."""
        self._stdout.write(data)

    def clear_screen(self) -> None:
        """Start again at the top left of the terminal; where that is not possible, below."""
        self.bytes(b"\n" if self._environment.is_dumb else b"\x1b[H\x1b[2J")

    def flush(self) -> None:
        """Hand everything to the reader of standard output."""
        self._stdout.flush()

    def document(self, document: Document, *, pages: bool = False) -> None:
        """Write a whole answer: sorted, limited and reduced to the chosen columns first. pages: by a pager if long."""
        data = encode(self._render(choose(document, self.output)))
        if not (pages and self.is_terminal and page(self._environment, data)):
            self.bytes(data)
        self.flush()

    def table_text(self, document: Document) -> str:
        """Return the answer as a table, for standard error."""
        return format_table(document.columns, _rows(document), width=None, headers=True)

    def _render(self, document: Document) -> str:
        match self.format:
            case OutputFormat.TABLE | OutputFormat.WIDE:
                return self._render_table(document)
            case OutputFormat.JSON:
                return self._json(envelope(document), indent=2) + "\n"
            case OutputFormat.NDJSON:
                return "".join(self._json(item) + "\n" for item in document.items)
            case OutputFormat.YAML:
                return self._safe("".join(f"{line}\n" for line in yaml_lines(self._plain(envelope(document)))))
            case OutputFormat.CSV:
                return self._safe(self._csv(document))
            case OutputFormat.TSV:
                return self._safe(self._tsv(document))
            case OutputFormat.NAME:
                names = (exact_text(item.get(document.name_key)) for item in document.items)
                return self._safe("".join(f"{escape_field(name)}\n" for name in names))

    def _render_table(self, document: Document) -> str:
        wide = self.format is OutputFormat.WIDE
        width = self._columns if self.is_terminal and not wide else None
        if document.blocks is not None and not self.output.columns:
            return format_blocks(document.blocks)
        columns = [column for column in document.columns if wide or not column.wide or self.output.columns]
        return format_table(columns, _rows(document), width=width, headers=self.output.headers)

    def _csv(self, document: Document) -> str:
        import csv

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self.output.headers:
            writer.writerow(column.key for column in document.columns)
        for row in _rows(document):
            writer.writerow(exact_text(row.get(column.key)) for column in document.columns)
        return text.getvalue()

    def _tsv(self, document: Document) -> str:
        lines = ["\t".join(column.key for column in document.columns)] if self.output.headers else []
        keys = [column.key for column in document.columns]
        names: dict[str, str] = {}  # The same topics and groups stand in many lines.
        for row in _rows(document):
            fields = []
            for key in keys:
                value = row.get(key)
                if value is None:
                    fields.append("")
                elif type(value) is Int64 or type(value) is int:
                    fields.append(int.__repr__(value))
                elif type(value) is WireText:
                    text = names.get(value.raw)
                    if text is None:
                        text = names[value.raw] = escape_field(value.raw)
                    fields.append(text)
                else:
                    fields.append(escape_field(exact_text(value)))
            lines.append("\t".join(fields))
        return "".join(f"{line}\n" for line in lines)

    def _safe(self, text: str) -> str:
        # Newlines and tabs are the format's own by now.
        return display_safe(text, multiline=True) if self.is_terminal else text

    def _json(self, value: Value, indent: int | None = None) -> str:
        return json_text(self._plain(value), indent=indent)

    def _plain(self, value: Value) -> Any:
        return plain(value, int64_as_string=self.output.int64_as_string)


def choose(document: Document, output: Output) -> Document:
    """Apply --sort, --limit and --columns. UsageError for a column that the answer does not have."""
    known = {column.key: column for column in document.columns}
    for name in (*output.columns, *(key for key, _down in output.sort)):
        if name not in known:
            raise UsageError(f"There is no column {display_safe(name)!r} here.", f"The columns are {', '.join(known)}.")
    if not (output.sort or output.columns or output.limit is not None):
        return document
    items, rows = list(document.items), list(_rows(document))
    for key, down in reversed(output.sort):
        items.sort(key=lambda item: _sort_key(item.get(key)), reverse=down)
        rows.sort(key=lambda row: _sort_key(row.get(key)), reverse=down)
    if output.limit is not None:
        items, rows = items[: output.limit], rows[: output.limit]
    if not output.columns:
        return document.with_changes(items=items, rows=rows)
    columns = [known[name] for name in output.columns]
    if document.rows is None:
        items = [{column.key: item.get(column.key) for column in columns} for item in items]
        rows = items
    return document.with_changes(items=items, rows=rows, columns=columns)


def _sort_key(value: Value) -> tuple[int, float | int, str]:
    # Unknown values stand before known ones, numbers before text: one order for mixed columns.
    if value is None:
        return (0, 0, "")
    if isinstance(value, int | float):
        return (1, value, "")
    return (2, 0, exact_text(value))


def _rows(document: Document) -> Sequence[Item]:
    return document.items if document.rows is None else document.rows


def envelope(document: Document) -> Mapping[str, Value]:
    """Return the JSON envelope of an answer."""
    return {
        "kind": document.kind,
        "apiVersion": API_VERSION,
        "context": document.context,
        **({"at": document.at} if document.at else {}),
        "items": document.items,
        "errors": [{"item": each.item, **error_fields(each.error)} for each in document.errors],
    }


def error_fields(error: KconError) -> Mapping[str, Value]:
    """Return an error as JSON shows it."""
    return {
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exitCode": int(error.exit_code),
    }


def exact_text(value: Value) -> str:
    """Return a value as one CSV, TSV or name field: exact, and empty for None."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case WireText():
            return value.raw
        case str():
            return value
        case int() | float():
            return str(value)
        case Mapping():
            return json_text(plain(value))
        case _:
            return ",".join(exact_text(part) for part in value)


def plain(value: Value, *, int64_as_string: bool = False) -> Any:
    """Return a value as what `json` takes."""
    match value:
        case Int64():
            return str(int(value)) if int64_as_string else int(value)
        case WireText():
            return value.raw
        case None | bool() | str() | int() | float():
            return value
        case Mapping():
            return {key: plain(part, int64_as_string=int64_as_string) for key, part in value.items()}
        case _:
            return [plain(part, int64_as_string=int64_as_string) for part in value]


def json_text(value: object, indent: int | None = None) -> str:
    """Write JSON: readable letters stay, and what a terminal could act on is escaped."""
    separators = None if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return text if text.isascii() and "\x7f" not in text else _JSON_UNSAFE.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if ord(match[0]) != 0x7F else "\\u007f"


def yaml_lines(value: Any, indent: str = "") -> Iterable[str]:
    """Write plain JSON values as block-style YAML; every string is quoted as in JSON, which YAML contains."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _yaml_entry(f"{indent}{_yaml_key(key)}:", part, indent)
    else:
        for part in value:
            if isinstance(part, dict | list) and part:
                first, *rest = yaml_lines(part, indent + "  ")
                yield f"{indent}- {first[len(indent) + 2 :]}"
                yield from rest
            else:
                yield f"{indent}- {json_text(part)}"


def _yaml_entry(head: str, part: Any, indent: str) -> Iterable[str]:
    if isinstance(part, dict | list) and part:
        yield head
        yield from yaml_lines(part, indent + "  ")
    else:
        yield f"{head} {json_text(part)}"


def _yaml_key(key: str) -> str:
    return key if key.isidentifier() and key.lower() not in _YAML_WORDS else json_text(key)


def encode(text: str) -> bytes:
    """Return UTF-8; bytes of the wire that were no UTF-8 come out as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
