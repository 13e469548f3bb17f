"""The README's two lines exist where CI looks for them, and say what the README promises."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def line(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ".ci/readme_line.py", name], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize(("name", "ends_with"), [("run", "kcon demo"), ("test", "pytest -n auto")])
def test_each_line_is_found_once(name: str, ends_with: str) -> None:
    found = line(name)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip().endswith(ends_with)
    assert found.stdout.startswith("python3 -m venv ")


def test_an_unknown_line_is_refused() -> None:
    assert line("no-such-line").returncode != 0


def test_pictures_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = [part.split(")")[0] for part in text.split("](")[1:] if part.split(")")[0].endswith((".svg", ".png"))]
    assert pictures
    assert not [name for name in pictures if not (ROOT / name).is_file()]
