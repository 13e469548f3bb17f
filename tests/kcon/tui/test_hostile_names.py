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
    data = POINTER.sub(b"", data)
    assert b"THE-END" in data
    assert b"\x1b]" not in data, "an operating system command: title, clipboard, link"
    assert b"\x1b[6n" not in data, "a question that the terminal would answer into the input"
    assert b"\xc2\x9b" not in data, "a C1 control"
    assert "\u202e".encode() not in data
    assert b"[@click=app.quit]x[/]" in data
    assert OURS.sub(b"", data).find(b"\x1b") == -1


def _read_until(terminal: int, wanted: bytes) -> bytes:
    data = b""
    end_s = time.monotonic() + WAIT_S
    while wanted not in data and time.monotonic() < end_s:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                data += os.read(terminal, 65_536)
            except OSError:
                break
    return data
