"""`kcon get`: shows single records, all about them or their exact bytes."""

from datetime import tzinfo

from kcon.cli.document import Block, Column, Item, ItemError, exit_code_of
from kcon.cli.invocation import Invocation
from kcon.cli.output import API_VERSION, error_fields, json_text, plain
from kcon.cli.record_decoding import presenter_of
from kcon.cli.record_text import plain_record, record_writer
from kcon.cli.table import format_blocks
from kcon.commands.consume import RecordFormat
from kcon.commands.get import Get
from kcon.commands.request import Request
from kcon.core.record_address import parse_record_address
from kcon.core.times import format_time
from kcon.core.units import format_bytes
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, UnreachableError
from kcon.records.record import Record, TimestampType
from kcon.services.decoding import DecoderChain
from kcon.services.records import read_one

_HEADER_COLUMNS = (Column(key="header"), Column(key="value"))


async def run_get(request: Request, invocation: Invocation) -> int:
    """Show each record; one that is not there is an error of its own."""
    assert isinstance(request, Get)
    addresses = [parse_record_address(text) for text in request.addresses]
    records: list[Record] = []
    errors: list[ItemError] = []
    async with invocation.open_session() as session, invocation.deadline():
        for part, offset in addresses:
            try:
                records.append(await read_one(session, part, offset))
            except UnreachableError:
                raise
            except KconError as error:
                errors.append(ItemError(item=f"{part.topic}/{part.partition}/{offset}", error=error))
    _write(request, invocation, records, errors)
    if request.format is None or request.format.kind != "json":
        invocation.diagnostics.item_errors(errors)
    return exit_code_of(errors)


def _write(request: Get, invocation: Invocation, records: list[Record], errors: list[ItemError]) -> None:
    out = invocation.writer
    if request.format is not None or not out.is_terminal:
        present = presenter_of(request.format or RecordFormat(), invocation)
        if present is not None:
            records = [present(record) for record in records]
    int64_as_string = request.shared.output.int64_as_string
    if request.format is not None and request.format.kind == "json":
        answer = {
            "kind": "RecordList",
            "apiVersion": API_VERSION,
            "context": invocation.context.name,
            "items": [plain_record(record, int64_as_string) for record in records],
            "errors": [plain({"item": each.item, **error_fields(each.error)}) for each in errors],
        }
        out.text(json_text(answer, indent=2) + "\n")
    elif request.format is None and out.is_terminal:
        chain, (zone, _name) = DecoderChain.of_names(), invocation.zone  # All of it is for people here.
        out.text("\n".join(format_blocks(_blocks(record, chain, zone)) for record in records))
    else:
        safe = out.is_terminal and not (request.format is not None and request.format.raw)
        write = record_writer(request.format or RecordFormat(), safe=safe, int64_as_string=int64_as_string)
        for record in records:
            out.bytes(write(record))
    out.flush()


def _blocks(record: Record, chain: DecoderChain, zone: tzinfo) -> list[Block]:
    from kcon.plugin_api.decoding import DecodeContext, Part

    def shown(part: Part, payload: bytes | None) -> tuple[str, str]:
        context = DecodeContext(
            topic=record.topic,
            part=part,
            partition=record.partition,
            offset=record.offset,
            headers=record.headers,
            wants_pretty=part is Part.VALUE,
        )
        decoded = chain.decode(payload, context)
        text = decoded.pretty if decoded.pretty is not None else decoded.text
        return display_safe(text.raw, multiline=True), decoded.decoder

    key, key_decoder = shown(Part.KEY, record.key)
    value, value_decoder = shown(Part.VALUE, record.value)
    facts = [
        ("time", _time(record, zone)),
        ("key", key if record.key is None else f"{key}  ({key_decoder}, {format_bytes(len(record.key))})"),
        ("value", "null" if record.value is None else f"{value_decoder}, {format_bytes(len(record.value))}"),
    ]
    blocks = [Block(heading=f"{record.topic}/{record.partition}/{record.offset}", facts=facts)]
    if record.headers:
        rows: list[Item] = [{"header": name, "value": shown(Part.HEADER, data)[0]} for name, data in record.headers]
        blocks.append(Block(columns=_HEADER_COLUMNS, rows=rows))
    if record.value is not None:
        blocks.append(Block(text=value))
    return blocks


def _time(record: Record, zone: tzinfo) -> str:
    if record.timestamp_ms < 0:
        return "none"
    stamped = " (when it was appended)" if record.timestamp_type is TimestampType.LOG_APPEND_TIME else ""
    return f"{format_time(record.timestamp_ms, zone)}{stamped}"
