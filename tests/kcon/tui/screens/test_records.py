"""The record view: tail, pause, seek and one record in full; hostile payloads are text."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kcon.core.ids import topic_name
from kcon.core.offset_spec import AtTime, FromEnd, FromStart
from kcon.core.wire_text import WireText
from kcon.records.record import Record, TimestampType
from kcon.services.records import PlannedRead, RecordQuery
from kcon.tui.record_buffer import RECORDS_MAX

NOW_MS = 1_795_487_700_000
TOPIC = topic_name("orders")


class Stream:
    """What `open_stream` gives, fed by the test."""

    def __init__(self) -> None:
        self.queries: list[RecordQuery] = []
        self.batches: asyncio.Queue[Sequence[Record]] = asyncio.Queue()
        self.taken = 0
        self.closed = 0
        self.notes: tuple[str, ...] = ()
        self.hidden = 0

    async def open(self, _session: object, query: RecordQuery) -> "Stream":
        self.queries.append(query)
        return self

    @property
    def planned(self) -> PlannedRead:
        return PlannedRead(plan=None, bounds={}, hidden=self.hidden, notes=self.notes)  # type: ignore[arg-type]

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.closed += 1

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Sequence[Record]:
        batch = await self.batches.get()
        self.taken += 1
        return batch

    def feed(self, count: int, *, first: int = 0, value: bytes | None = None, **named: Any) -> None:
        """Hand over records."""
        self.batches.put_nowait(
            [
                Record(
                    TOPIC,
                    0,
                    offset,
                    NOW_MS,
                    TimestampType.CREATE_TIME,
                    named.get("key", f"key-{offset}".encode()),
                    f'{{"n": {offset}}}'.encode() if value is None else value,
                    named.get("headers", ()),
                )
                for offset in range(first, first + count)
            ]
        )


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Return the stream that the view will open."""
    stream = Stream()
    monkeypatch.setattr("kcon.tui.record_reader.open_stream", stream.open)
    return stream


def test_a_tail_begins_a_little_before_the_end_and_follows(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(3)
        text = await console.until("key-2")
        assert "following" in text
        assert '{"n": 1}' in text.replace('"n":', '"n": ').replace("  ", " ")
        stream.feed(2, first=3)
        await console.until("key-4")
        assert console.view.record_at_cursor().offset == 4
        query = stream.queries[0]
        assert (query.start, query.follow, query.last_total) == (FromEnd(), True, 100)
        assert query.group is None

    consoles.run(test, "topic/orders/0")


def test_more_records_than_the_view_holds_are_counted_as_dropped(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(RECORDS_MAX)
        stream.feed(250, first=RECORDS_MAX)
        text = await console.until("250 dropped from view")
        assert f"{RECORDS_MAX + 250:,} read" in text

    consoles.size = (140, 30)
    consoles.run(test, "topic/orders/0")


def test_a_pause_holds_the_stream_and_loses_nothing(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(1)
        await console.until("key-0")
        await console.press("p")
        await console.until("PAUSED")
        for first in range(1, 4):
            stream.feed(1, first=first)
        await console.until(lambda: stream.taken == 2)
        await console.press("p")
        await console.until("key-3")
        assert "4 read" in console.text()
        assert "dropped" not in console.text()

    consoles.run(test, "topic/orders/0")


@pytest.mark.parametrize(
    ("typed", "start"), [("start", FromStart()), ("@-1h", AtTime(NOW_MS - 3_600_000)), ("end-5", FromEnd(5))]
)
def test_a_seek_reads_from_there(consoles: Any, stream: Stream, typed: str, start: object) -> None:
    async def test(console: Any) -> None:
        await console.until(lambda: stream.queries)
        await console.press("at")
        await console.type(typed)
        await console.press("enter")
        await console.until(lambda: len(stream.queries) == 2)
        assert stream.queries[1].start == start
        await console.until(lambda: stream.closed == 1)
        await console.press("y", "c")
        assert console.app.clipboard.startswith("kcon consume orders -o ")
        await console.press("f")
        await console.until(lambda: len(stream.queries) == 3)
        assert stream.queries[2].last_total == 100

    consoles.run(test, "topic/orders/0")


def test_a_place_that_is_none_is_a_sentence_and_the_tail_goes_on(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        await console.until(lambda: stream.queries)
        await console.press("at")
        await console.type("nowhere")
        await console.press("enter")
        await console.until("nowhere")
        stream.feed(1)
        await console.until("key-0")

    consoles.run(test, "topic/orders/0")


def test_looking_at_the_start_does_not_run_through_the_topic(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        for first in range(0, 3_000, 100):
            stream.feed(100, first=first)
        await console.until(lambda: stream.taken == 5)
        await console.until("500 read")
        assert console.view.record_at_cursor().offset == 0
        await console.press("end")
        await console.until(lambda: stream.taken > 5)

    consoles.run(test, "orders/0/start")


def test_one_record_in_full_as_text_and_in_hexadecimal(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        headers = ((WireText("trace"), b"abc"), (WireText("none"), None))
        stream.feed(1, value=b'{"a": [1, 2], "n": 12345678901234567890}', headers=headers)
        await console.until("key-0")
        await console.press("enter")
        text = await console.until("orders/0/0")
        assert "json, 40 bytes" in text
        assert "12345678901234567890" in text
        assert "trace = abc" in text
        assert "none = null" in text
        await console.press("h")
        await console.until("$.a[1] = 2")
        await console.press("h")
        await console.until("7b 22 61 22")
        await console.press("escape")
        assert "7b 22" not in console.text()
        assert console.view.TITLE_WORD == "RECORDS"

    consoles.run(test, "topic/orders/0")


def test_a_record_that_is_read_stays_under_the_cursor_while_others_arrive(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(3)
        await console.until("3 read")
        await console.press("enter")
        await console.until("orders/0/2")
        stream.feed(3, first=3)
        await console.until("6 read")
        assert "orders/0/2" in console.text()
        assert console.view.record_at_cursor().offset == 2
        await console.press("escape", "end")
        stream.feed(1, first=6)
        await console.until("7 read")
        assert console.view.record_at_cursor().offset == 6, "a closed record lets the tail go on from the end"

    consoles.run(test, "topic/orders/0")


def test_the_record_in_full_is_the_one_under_the_cursor_when_its_row_is_dropped(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(3)
        await console.until("3 read")
        await console.press("enter")
        await console.until("orders/0/2")
        stream.feed(RECORDS_MAX, first=3)
        await console.until(f"{RECORDS_MAX + 3:,} read")
        offset = console.view.record_at_cursor().offset
        assert offset != 2
        await console.until(f"orders/0/{offset:,}")

    consoles.run(test, "topic/orders/0")


def test_null_and_empty_differ(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(1, value=b"", key=None)
        await console.until("1 read")
        await console.press("enter")
        text = await console.until("empty, 0 bytes")
        assert "null" in text

    consoles.run(test, "topic/orders/0")


@pytest.mark.parametrize(
    "hostile", [b"[@click=app.quit]x[/]", b"\x1b]0;t\x07\x1b[2J", "\u202eabc\u200b".encode(), b"\xff\xfe\x9b2J"]
)
def test_a_hostile_record_is_harmless_text(consoles: Any, stream: Stream, hostile: bytes) -> None:
    async def test(console: Any) -> None:
        headers = ((WireText(hostile.decode(errors="surrogateescape")), hostile),)
        stream.feed(1, value=hostile, key=hostile, headers=headers)
        await console.until("1 read")
        await console.press("enter")
        await console.until("orders/0/0")
        for line in console.lines():
            assert all(char.isprintable() or char in "\u2068\u2069" for char in line), repr(line)
        assert not any(
            segment.style and segment.style.meta
            for strip in console.app.screen._compositor.render_strips()
            for segment in strip
            if "click" in segment.text
        )

    consoles.run(test, "topic/orders/0")


def test_parts_are_copied_apart(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(1, value=b"value", headers=((WireText("h"), b"1"),))
        await console.until("key-0")
        copied = {}
        for letter in "kvho":
            await console.press("y", letter)
            copied[letter] = console.app.clipboard
        assert copied == {"k": "key-0", "v": "value", "h": "h=1", "o": "orders/0/0"}

    consoles.run(test, "topic/orders/0")


def test_a_filter_narrows_by_key_and_value(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        stream.feed(30)
        await console.until("key-29")
        await console.press("slash")
        await console.type("key-2")
        await console.press("enter")
        await console.until("11/11 of 30")
        stream.feed(1, first=200)
        await console.until("12/12 of 31")

    consoles.run(test, "topic/orders/0")


def test_what_the_plan_says_is_shown(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        await console.until("offset 5 was deleted; reading starts at 40.")
        assert "7 hidden behind an open transaction" in console.text()

    stream.notes = ("orders/1: offset 5 was deleted; reading starts at 40.",)
    stream.hidden = 7
    consoles.size = (160, 30)
    consoles.run(test, "orders/1/5")


def test_leaving_the_view_ends_the_reading(consoles: Any, stream: Stream) -> None:
    async def test(console: Any) -> None:
        await console.until(lambda: stream.queries)
        await console.press("escape")
        await console.until(lambda: stream.closed == 1)

    consoles.run(test, "topic/orders/0")
