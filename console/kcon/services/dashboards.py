"""How do the metrics look in Grafana? A dashboard for each profile, as JSON that Grafana imports.

Each chooses its Prometheus, and filters by the job that scrapes.
"""

import json
import re
from typing import Any, Final

from kcon.services.dashboard_boards import BOARDS, Board, Panel

SCHEMA_VERSION: Final = 39
"""Of Grafana 10.4; later ones migrate it themselves."""
WIDTH: Final = 24
PANEL_HEIGHT: Final = 8
STAT_HEIGHT: Final = 4


def dashboard_text(name: str) -> str:
    """Return a dashboard as JSON. name: a key of `BOARDS`."""
    return json.dumps(dashboard(BOARDS[name]), indent=2, ensure_ascii=False) + "\n"


def dashboard(board: Board) -> dict[str, Any]:
    """Return a dashboard as Grafana's model of it."""
    return {
        "uid": f"kcon-{board.name}",
        "title": board.title,
        "tags": ["kafka", "kcon"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                {
                    "name": "job",
                    "label": "Job",
                    "type": "query",
                    "datasource": {"type": "prometheus", "uid": "${datasource}"},
                    "query": {"query": f"label_values({_first_metric(board)}, job)", "refId": "job"},
                    "refresh": 2,
                    "includeAll": True,
                    "allValue": ".*",
                    "multi": True,
                },
            ]
        },
        "panels": _laid_out(board.panels),
    }


def _first_metric(board: Board) -> str:
    found = re.search(r"\b(?:kcon|kafka)_\w+", board.panels[0].queries[0].expression)
    assert found is not None, "every query names a metric"
    return found.group()


def _laid_out(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """Place panels in rows from left to right."""
    placed = []
    x = y = row_height = 0
    for number, panel in enumerate(panels, start=1):
        height = STAT_HEIGHT if panel.kind == "stat" else PANEL_HEIGHT
        if x + panel.width > WIDTH:
            x, y, row_height = 0, y + row_height, 0
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": height}))
        x, row_height = x + panel.width, max(row_height, height)
    return placed


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    is_table = panel.kind == "table"
    return {
        "id": number,
        "title": panel.title,
        "description": panel.about,
        "type": panel.kind,
        "gridPos": place,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "expr": query.expression,
                "legendFormat": query.legend,
                "instant": is_table or panel.kind == "stat",
                "range": not is_table and panel.kind != "stat",
                **({"format": "table"} if is_table else {}),
            }
            for index, query in enumerate(panel.queries)
        ],
    }
