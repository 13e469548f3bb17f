"""The catalogue has every metric once, and the page, the rules and the dashboards speak of these alone."""

import json
import re
from pathlib import Path

import pytest

from kcon.commands.metrics import BOARDS as BOARD_NAMES
from kcon.observe.metric_catalogue import every_family
from kcon.services.dashboard_boards import BOARDS
from kcon.services.dashboards import WIDTH, dashboard_text
from tests.tools.render_alerts_page import render as render_alerts
from tests.tools.render_metrics_page import render as render_metrics

DOCS = Path(__file__).resolve().parents[3] / "docs"
METRIC = re.compile(r"\b(?:kcon|kafka|process)_\w+")


def test_no_metric_is_there_twice() -> None:
    names = [family.name for family in every_family()]
    assert len(names) == len(set(names))
    assert all(family.name.endswith("_total") == (family.kind == "counter") for family in every_family())


@pytest.mark.parametrize(("page", "text"), [("metrics.md", render_metrics()), ("alerts.md", render_alerts())])
def test_the_pages_are_up_to_date(page: str, text: str) -> None:
    """Run `python -m tests.tools.render_metrics_page > docs/metrics.md` (or alerts) after a change."""
    assert (DOCS / page).read_text() == text


def test_every_metric_of_kcon_is_in_a_dashboard() -> None:
    """What is told and shown nowhere is not looked at by anybody."""
    shown = {name for board in BOARDS for name in METRIC.findall(dashboard_text(board))}
    assert {family.name for family in every_family()} <= shown


@pytest.mark.parametrize("board", BOARD_NAMES)
def test_a_dashboard_is_laid_out_without_overlaps(board: str) -> None:
    told = json.loads(dashboard_text(board))
    taken: set[tuple[int, int]] = set()
    for panel in told["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < WIDTH
        taken |= cells
        assert panel["targets"]
    assert len({panel["id"] for panel in told["panels"]}) == len(told["panels"])
