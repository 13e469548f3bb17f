"""A defect of the console ends in a sentence and a report that holds nobody's data."""

import sys
from pathlib import Path

import pytest

from kcon.tui.crash import FOLDER, REPORTS_MAX, last_words, report_text, write_report
from tests.terminal import Terminal

SECRET = "hunter2-of-the-cluster"


def defect() -> ValueError:
    """Return an error that quotes data, as errors do."""
    try:
        password = SECRET
        raise ValueError(f"cannot parse {password}")
    except ValueError as error:
        return error


def test_a_report_names_places_and_kinds_but_no_data() -> None:
    text = report_text(defect())
    assert "builtins.ValueError" in text
    assert "tui/test_crash.py:" in text
    assert "defect" in text
    assert SECRET not in text


def test_a_report_is_private_and_old_ones_go(tmp_path: Path) -> None:
    for moment in range(REPORTS_MAX + 3):
        path = write_report(tmp_path, defect(), 1_795_487_700_000 + moment)
        assert path is not None
        assert path.stat().st_mode & 0o077 == 0
    assert len(list((tmp_path / FOLDER).iterdir())) == REPORTS_MAX


def test_where_nothing_can_be_written_the_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file, not a folder")
    assert write_report(tmp_path, defect(), 1) is None
    assert "No report could be written." in last_words(defect(), None)


PROGRAM = """
import sys
from kcon.tui.app import KconApp
from kcon.tui.launch import Launch
class Broken(KconApp):
    def on_key(self, event):
        password = "hunter2-of-the-cluster"
        raise ValueError(f"cannot parse {password}")
app = Broken(Launch(context=None, open_engine=None))
app.run()
sys.exit(app.return_code)
"""


@pytest.mark.tmux
def test_a_broken_console_restores_the_terminal_and_tells_no_secret(tmp_path: Path) -> None:
    environment = {"KCON_STATE_DIR": str(tmp_path), "KCON_CONFIG_DIR": str(tmp_path)}
    with Terminal([sys.executable, "-c", PROGRAM], columns=100, rows=30, environment=environment) as terminal:
        terminal.wait_for("no contexts yet")
        terminal.keys("x")
        screen = terminal.wait_for("ended with 1")
    assert "met a defect of its own (ValueError)" in screen
    assert SECRET not in screen
    assert "Traceback" not in screen
    (report,) = (tmp_path / FOLDER).iterdir()
    assert SECRET not in report.read_text()
