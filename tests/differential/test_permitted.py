"""Is the published page the table that the comparison reads?"""

from pathlib import Path

from tests.differential.permitted import render

PAGE = Path(__file__).resolve().parents[2] / "docs" / "differences.md"


def test_page_is_the_table() -> None:
    """Run `python -m tests.differential.permitted > docs/differences.md` after a change."""
    assert PAGE.read_text() == render()
