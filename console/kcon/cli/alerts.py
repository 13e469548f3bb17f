"""`kcon alerts`: shows the rules, or writes them for Prometheus. Asks no cluster."""

from typing import Any

from kcon.cli.document import Column, Document
from kcon.cli.invocation import Invocation
from kcon.cli.output import encode, yaml_lines
from kcon.commands.alerts import AlertsExport, AlertsList
from kcon.commands.request import Request
from kcon.core.alert_rules import RULES
from kcon.errors import ExitCode

_COLUMNS = (
    Column(key="name"),
    Column(key="severity"),
    Column(key="for", right=True),
    Column(key="expression"),
    Column(key="summary", wide=True),
)


def run_alerts(request: Request, invocation: Invocation) -> int:
    """Execute one request about alert rules."""
    match request:
        case AlertsList():
            return _list(invocation)
        case AlertsExport():
            invocation.writer.bytes(encode("".join(f"{line}\n" for line in yaml_lines(rule_file()))))
            invocation.writer.flush()
            return ExitCode.OK
        case _:
            raise AssertionError(f"not about alerts: {request.command}")


def _list(invocation: Invocation) -> int:
    return invocation.show(
        Document(
            kind="AlertRuleList",
            columns=_COLUMNS,
            items=[
                {
                    "name": rule.name,
                    "severity": rule.severity.value,
                    "for": f"{rule.for_s}s",
                    "expression": rule.expression,
                    "summary": rule.summary,
                }
                for rule in RULES
            ],
        )
    )


def rule_file() -> dict[str, Any]:
    """Return the rules as a rule file of Prometheus holds them."""
    rules = [
        {
            "alert": rule.name,
            "expr": rule.expression,
            "for": f"{rule.for_s}s",
            "labels": {"severity": rule.severity.value},
            "annotations": {"summary": rule.summary},
        }
        for rule in RULES
    ]
    return {"groups": [{"name": "kcon", "rules": rules}]}
