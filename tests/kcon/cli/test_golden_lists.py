"""One list of each noun in every format, byte by byte: what scripts and people got used to changes only on purpose.

The answers are those of `tests/answering_broker.py` for a few plain names. After a wanted change write the files anew:
`KCON_WRITE_GOLDEN=1 pytest tests/kcon/cli/test_golden_lists.py`, and read the difference.
"""

import io
import os
import re
from pathlib import Path

import pytest

from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.commands.options import FORMATS
from tests.answering_broker import AnsweringBroker

GOLDEN = Path(__file__).with_name("golden")
NAMES = ("orders", "日本", "tab\there", "e-mail", "x")
NOW_MS = 1_795_487_700_000
CONTEXTS = (
    '[context.prod]\nbootstrap = "h:1"\nmode = "read-only"\ncolor = "red"\n[context.dev]\nbootstrap = ["a:1", "b:2"]\n'
)
LISTS = (
    *("topic list", "group list", "share list", "streams list", "broker list", "txn list", "acl list", "quota list"),
    *("user list", "context list"),
)


def told(command: str, output: str, folder: Path) -> bytes:
    """Return what a command writes for a terminal of 100 columns."""
    out = io.BytesIO()
    config = folder / "config" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(CONTEXTS)
    noun = command.partition(" ")[0]
    fixed = {"group_type": noun} if noun in {"share", "streams"} else None
    with AnsweringBroker(NAMES, fixed=fixed, is_steady=True) as broker:
        environment = Environment(
            stdin=io.BytesIO(),
            stdout=out,
            stderr=io.BytesIO(),
            stdout_is_terminal=True,
            columns=100,
            now_ms=lambda: NOW_MS,
            folder=folder,
            variables={
                "KCON_BOOTSTRAP": broker.address,
                "KCON_CONFIG_DIR": str(config.parent),
                "KCON_STATE_DIR": str(folder / "state"),
                "TZ": "UTC",
            },
        )
        run((*command.split(), "-o", output), environment)
        host, _, port = broker.address.rpartition(":")
        return re.sub(rb"(?<!\d)%s(?!\d)" % port.encode(), b"PORT", out.getvalue()).replace(host.encode(), b"HOST")


@pytest.mark.parametrize("command", LISTS)
def test_a_list_in_every_format(command: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    seen = b"".join(b"--- %s\n%s" % (output.encode(), told(command, output, tmp_path)) for output in FORMATS)
    file = GOLDEN / f"{command.replace(' ', '-')}.txt"
    if os.environ.get("KCON_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(seen)
    assert seen.decode() == file.read_text("utf-8")


def test_the_files_hold_something() -> None:
    for command in LISTS:
        text = (GOLDEN / f"{command.replace(' ', '-')}.txt").read_text("utf-8")
        assert text.count("\n--- ") == len(FORMATS) - 1
        assert len(text.splitlines()) > 30, command
