"""What is left when the console meets a defect of its own? One sentence, and a report without anybody's data.

Textual would print a traceback with the values of all variables: names, records and, at worst, secrets. The report
has only places in code and kinds of errors; messages are left out too, for they quote data.
"""

import os
import platform
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Final

from kcon.core.wire_text import display_safe

FOLDER: Final = "crashes"
REPORTS_MAX: Final = 20
"""Older ones are removed."""
SHOW_VARIABLE: Final = "KCON_TRACEBACK"


def report_text(error: BaseException) -> str:
    """Return places and kinds of an error and its causes, without messages and values."""
    lines = [f"kcon {version('kcon')}, textual {version('textual')}, Python {platform.python_version()}"]
    seen: BaseException | None = error
    while seen is not None:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        for frame in traceback.extract_tb(seen.__traceback__):
            place = "/".join(Path(frame.filename).parts[-3:])
            lines.append(f"  {place}:{frame.lineno} {frame.name}")
        seen = seen.__cause__ or seen.__context__
    return "\n".join(lines) + "\n"


def write_report(folder: Path, error: BaseException, now_ms: int) -> Path | None:
    """Keep a report that only its owner can read; None where nothing can be written."""
    path = folder / FOLDER / f"console-{now_ms}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(report_text(error))
        for old in sorted(path.parent.glob("console-*.txt"))[:-REPORTS_MAX]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path


def last_words(error: BaseException, report: Path | None) -> str:
    """Return what is printed once the terminal is restored."""
    if os.environ.get(SHOW_VARIABLE):
        return display_safe("".join(traceback.format_exception(error)), multiline=True)
    kept = f"A report is in {report}." if report is not None else "No report could be written."
    return (
        f"kcon: The console met a defect of its own ({type(error).__name__}) and had to end.\n"
        f"  {display_safe(kept)} {SHOW_VARIABLE}=1 in the environment shows more."
    )
