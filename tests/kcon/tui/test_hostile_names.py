"""Names that a cluster chose go through every view: on a real terminal not one of them is acted on."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from tests.hostile_text import CORPUS

HOSTILE = [
    "[@click=app.quit]x[/]",
    "[bold]b[/bold]",
    "t\x1b]0;pwned\x07",
    "t\x1b[2J\x1b[6n",
    "t\x9b2J",
    "t\u202egnp",
    "日本語-" * 12,
]
WAIT_S = 30.0
POINTER = re.compile(rb"\x1b\]22;[a-z-]*\x07")
"""The shape of the mouse pointer, which Textual sets."""
TEXTUALS = re.compile("\x1b\\[[0-9;?]*[a-zA-Z]")
"""Payloads that look like what the console itself sends; their twins in 8 bits are looked for."""
OURS = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[a-zA-Z$]|\[[0-9;?]*\$p|[=>]|P\+q[^\x1b]*\x1b\\)")
"""What the console itself may send: CSI sequences, keypad modes."""


def test_no_view_shows_a_name_as_anything_but_text(consoles: Any) -> None:
    cluster = consoles.cluster
    for name in HOSTILE:
        cluster.topics_by_name[name] = type(cluster.topics_by_name["orders"])([(0, 5)])
        cluster.commit(name, name, 0, 2)
        group = cluster.groups_by_id[name]
        group.state = "Stable"
        group.members = [(name, [TopicPartition(topic_name(name), 0)])]

    async def test(console: Any) -> None:
        await console.until("orders")
        for keys in (
            ("t",),
            ("s", "p"),
            ("enter",),
            ("2",),
            ("3",),
            ("g",),
            ("down", "enter"),
            ("2",),
            ("u",),
            ("question_mark",),
        ):
            await console.press(*keys)
            await console.pilot.pause()
            for line in console.lines():
                assert all(char.isprintable() or char in "\u2068\u2069" for char in line), (keys, line)
            for strip in console.app.screen._compositor.render_strips():
                assert not any("@click" in (segment.style.meta or {}) for segment in strip if segment.style)

    consoles.size = (160, 40)
    consoles.run(test)


PROGRAM = """
import asyncio, sys
sys.path.insert(0, {root!r})
from textual.app import App
from kcon.tui.rows import Column, Rows
from kcon.tui.text import Part
from kcon.core.ids import topic_name
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.pager import Pager
from kcon.tui.widgets.status_line import Fact, StatusLine
from kcon.tui.widgets.virtual_table import VirtualTable

NAMES = {names!r}

class Harness(App):
    ENABLE_COMMAND_PALETTE = False
    def compose(self):
        yield StatusLine()
        yield Lines([[Part(topic_name(name)), Part(name)] for name in NAMES])
        yield VirtualTable([Column(key="name", title="NAME", flex=True, search=True)])
        yield Pager()
    def on_mount(self):
        self.query_one(StatusLine).show("X", [Fact(name) for name in NAMES[:2]])
        self.query_one(VirtualTable).set_rows(Rows(keys=NAMES, values={{"name": [topic_name(name) for name in NAMES]}}))
        self.query_one(Pager).show([[Part(name)] for name in NAMES])
        self.set_timer(0.2, self.finish)
    def finish(self):
        self.query_one(VirtualTable).set_rows(Rows(keys=["end"], values={{"name": ["THE-END"]}}))

Harness().run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_no_sequence_that_a_name_brought(tmp_path: Any) -> None:
    """The bytes themselves, as a terminal would read them."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(root=os.getcwd(), names=HOSTILE))
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, str(program)])
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        data = _read_until(terminal, b"THE-END")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    assert b"THE-END" in data
    data = POINTER.sub(b"", data[: data.rindex(b"\x1b")])  # The last read may have stopped within a sequence.
    assert b"\x1b]" not in data, "an operating system command: title, clipboard, link"
    assert b"\x1b[6n" not in data, "a question that the terminal would answer into the input"
    assert b"\xc2\x9b" not in data, "a C1 control"
    assert "\u202e".encode() not in data
    assert b"[@click=app.quit]x[/]" in data
    assert OURS.sub(b"", data).find(b"\x1b") == -1


CORPUS_PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from textual.app import App
from kcon.core.ids import topic_name
from kcon.observe.rings import Series
from kcon.tui.rows import Column, Rows
from kcon.tui.text import Part
from kcon.tui.widgets.chart import Chart
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.pager import Pager
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.status_line import Fact, StatusLine
from kcon.tui.widgets.tabs import Tab, TabLine
from kcon.tui.widgets.virtual_table import VirtualTable
from tests.hostile_text import CORPUS

STEP = 12

class Harness(App):
    ENABLE_COMMAND_PALETTE = False
    CSS = "VirtualTable, Pager {{ height: 13; }} Chart {{ height: 2; }}"
    def compose(self):
        yield StatusLine()
        yield TabLine()
        yield Lines(widget_id="lines")
        yield Chart("x", "in")
        yield VirtualTable([Column(key="name", title="NAME", flex=True, search=True), Column(key="raw", title="RAW")])
        yield Pager()
        yield Prompt()
    def on_mount(self):
        self.place = 0
        self.query_one(Prompt).open("filter", CORPUS[0])
        self.set_interval(0.03, self.turn)
    def turn(self):
        part = CORPUS[self.place : self.place + STEP]
        self.place += STEP
        if not part:
            part = ["THE-END"]
        names = [topic_name(text) for text in part]
        self.query_one(StatusLine).show(part[0], [Fact(name) for name in names[:3]])
        self.query_one(TabLine).show([Tab(text[:20]) for text in part[:3]], 0, part[-1])
        self.query_one("#lines", Lines).set_lines([[Part(name), Part(text)] for name, text in zip(names[:4], part[:4])])
        self.query_one(Chart).set_series(Series(), names[0], 0)
        self.query_one(VirtualTable).set_rows(Rows(keys=list(range(len(part))), values={{"name": names, "raw": part}}))
        self.query_one(Pager).show([[Part(text)] for text in part])
        self.query_one(Prompt).placeholder = ""
        self.query_one(Prompt).open("filter", part[0])

Harness().run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_corpus_passes_through_every_widget_as_text(tmp_path: Any) -> None:
    """The bytes on a terminal hold no payload as it came, no C1 control, and no character that turns text round."""
    program = tmp_path / "program.py"
    program.write_text(CORPUS_PROGRAM.format(root=os.getcwd()))
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, str(program)])
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        data = _read_until(terminal, b"THE-END")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    assert b"THE-END" in data
    assert_harmless(data[: data.index(b"THE-END")])


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_corpus_passes_through_every_view_as_text(tmp_path: Any) -> None:
    """Names, keys, values, headers, settings and owners of a whole cluster; nothing of it can be clicked either."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        for name in ("COLUMNS", "LINES"):  # readline, loaded by the test runner, exports another terminal's.
            os.unsetenv(name)  # Python does not know of them.
        os.execv(sys.executable, [sys.executable, "-m", "tests.kcon.tui.hostile_console", str(tmp_path)])
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        data = _read_until(terminal, b"THE-END", wait_s=500)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    assert b"THE-END" in data, data[-2_000:]
    data = data[: data.index(b"THE-END")]
    assert_harmless(data)
    for shown in (
        b"OVERVIEW",
        b"TOPICS",
        b"GROUPS",
        b"BROKERS",
        b"ACLS",
        b"QUOTAS",
        b"USERS",
        b"TRANSACTIONS",
        b"MOVES",
    ):
        assert shown in data, shown
    assert data.count(b"@click=app.quit") > 8, "it was there, as text"


def assert_harmless(data: bytes) -> None:
    """What a terminal got holds no payload as it came, no C1 control and nothing that turns or hides text."""
    data = POINTER.sub(b"", data)
    controls = [
        text
        for text in CORPUS
        if re.search("[\x00-\x1f\x7f-\x9f]", text) and len(text) >= 4 and not TEXTUALS.fullmatch(text)
    ]
    assert len(controls) > 200
    for text in controls:
        assert text.encode("utf-8", "surrogateescape") not in data, repr(text)
    assert re.search(rb"\xc2[\x80-\x9f]", data) is None, "a C1 control"
    assert OURS.sub(b"", data).find(b"\x1b") == -1
    for char in ("\u202e", "\u202d", "\u200b", "\ufeff"):
        assert char.encode() not in data


def _read_until(terminal: int, wanted: bytes, wait_s: float = WAIT_S) -> bytes:
    found = bytearray()
    end_s = time.monotonic() + wait_s
    while found.find(wanted, max(0, len(found) - 70_000)) < 0 and time.monotonic() < end_s:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                found += os.read(terminal, 65_536)
            except OSError:
                break
    data = bytes(found)
    # What came behind it may end within a sequence.
    return data[: data.rfind(wanted) + len(wanted)] if wanted in data else data
