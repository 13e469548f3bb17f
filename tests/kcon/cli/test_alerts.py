"""`kcon alerts`: the rules speak of metrics that there are, and the file is one that Prometheus reads."""

import json
import re
from typing import Any

from kcon.core.alert_rules import RULES
from kcon.observe.metric_catalogue import every_family

METRIC = re.compile(r"\b(?:kcon|kafka)_\w+")


def test_a_script_reads_the_rules(kcon: Any) -> None:
    lines = kcon.lines("alerts", "list", "--columns", "name,severity,for")
    assert lines[:3] == ["name\tseverity\tfor", "KconDown\tpage\t180s", "KconStale\tpage\t0s"]
    assert len(lines) == len(RULES) + 1


def test_the_file_of_prometheus_has_every_rule(kcon: Any) -> None:
    lines = kcon.lines("alerts", "export", "--format", "prometheus")
    assert lines[:8] == [
        "groups:",
        '  - name: "kcon"',
        "    rules:",
        '      - alert: "KconDown"',
        '        expr: "kcon_up == 0"',
        '        for: "180s"',
        "        labels:",
        '          severity: "page"',
    ]
    assert sum(line.lstrip().startswith("- alert:") for line in lines) == len(RULES)
    summaries = [line.split(": ", 1)[1] for line in lines if line.lstrip().startswith("summary:")]
    assert [json.loads(summary) for summary in summaries] == [rule.summary for rule in RULES]


def test_rules_speak_of_metrics_that_are_served() -> None:
    """A rule over a metric that was renamed would never alert, and nobody would notice."""
    wanted = {name for rule in RULES for name in METRIC.findall(rule.expression)}
    assert wanted <= {family.name for family in every_family()}


def test_names_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
