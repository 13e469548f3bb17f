"""`kcon alerts`: shows the rules and what fires, tries the sinks, or writes rules for Prometheus. Asks no cluster."""

from pathlib import Path
from typing import Any

from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.output import encode, yaml_lines
from kcon.commands.alerts import AlertsExport, AlertsList, AlertsStatus, AlertsTest
from kcon.commands.request import Request
from kcon.contexts.folders import ALERTS_FILE, config_folder
from kcon.core.alert_rules import RULES
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, UsageError
from kcon.services.alert_config import AlertConfig, read_alert_config
from kcon.services.alert_sinks import load_sink_kinds

_COLUMNS = (
    Column(key="name"),
    Column(key="severity"),
    Column(key="for", right=True),
    Column(key="expression"),
    Column(key="summary", wide=True),
    Column(key="sinks", wide=True),
    Column(key="enabled", wide=True),
)
_STATUS = (
    Column(key="state"),
    Column(key="rule"),
    Column(key="since"),
    Column(key="labels"),
    Column(key="summary"),
    Column(key="told", wide=True),
)
_TESTS = (
    Column(key="sink"),
    Column(key="kind"),
    Column(key="told"),
    Column(key="ms", right=True),
    Column(key="problem"),
)


def run_alerts(request: Request, invocation: Invocation) -> int:
    """Execute one request about alert rules."""
    match request:
        case AlertsList():
            return _list(read_config(request.config, invocation, opens_sinks=False), invocation)
        case AlertsExport():
            rules = rule_file(read_config(request.config, invocation, opens_sinks=False))
            invocation.writer.bytes(encode("".join(f"{line}\n" for line in yaml_lines(rules))))
            invocation.writer.flush()
            return ExitCode.OK
        case AlertsStatus():
            return _status(invocation)
        case AlertsTest():
            return _test(request, invocation)
        case _:
            raise AssertionError(f"not about alerts: {request.command}")


def read_config(file: str | None, invocation: Invocation, *, opens_sinks: bool = True) -> AlertConfig:
    """Read the rules, and the sinks with their secrets if they are to be opened.

    file: None is alerts.toml in kcon's own folder, which need not be there.
    """
    variables = invocation.environment.variables
    kinds, faults = load_sink_kinds()
    for fault in faults:
        invocation.diagnostics.note(f"Plugin {display_safe(fault.plugin)} could not be loaded: {fault.reason}.")
    path = config_folder(variables) / ALERTS_FILE if file is None else Path(file).expanduser()
    return read_alert_config(path, kinds, variables, must_exist=file is not None, opens_sinks=opens_sinks)


def _list(config: AlertConfig, invocation: Invocation) -> int:
    policies = {policy.name: policy for policy in config.policies}
    items: list[Item] = []
    for rule in RULES:
        policy = policies.get(rule.name)
        items.append(
            {
                "name": rule.name,
                "severity": (policy.severity if policy else rule.severity).value,
                "for": f"{policy.for_ms // 1000 if policy else rule.for_s}s",
                "expression": rule.promql(config.thresholds.get(rule.name)),
                "summary": rule.summary,
                "sinks": list(policy.sinks) if policy else [],
                "enabled": policy is not None or rule.is_for_prometheus,
            }
        )
    for own in config.own_rules:
        policy = policies.get(own.name)
        items.append(
            {
                "name": own.name,
                "severity": policy.severity.value if policy else "",
                "for": f"{policy.for_ms // 1000 if policy else 0}s",
                "expression": f"{own.scope}: {own.text}",
                "summary": own.summary,
                "sinks": list(policy.sinks) if policy else [],
                "enabled": policy is not None,
            }
        )
    return invocation.show(Document(kind="AlertRuleList", columns=_COLUMNS, items=items))


def rule_file(config: AlertConfig | None = None) -> dict[str, Any]:
    """Return the rules as a rule file of Prometheus holds them."""
    policies = {policy.name: policy for policy in config.policies} if config is not None else {}
    rules = []
    for rule in RULES:
        policy = policies.get(rule.name)
        if config is not None and policy is None and not rule.is_for_prometheus:
            continue
        rules.append(
            {
                "alert": rule.name,
                "expr": rule.promql(config.thresholds.get(rule.name) if config is not None else None),
                "for": f"{policy.for_ms // 1000 if policy else rule.for_s}s",
                "labels": {"severity": (policy.severity if policy else rule.severity).value},
                "annotations": {"summary": rule.summary},
            }
        )
    return {"groups": [{"name": "kcon", "rules": rules}]}


def _status(invocation: Invocation) -> int:
    from kcon.core.times import format_time
    from kcon.observe.alert_store import AlertStore
    from kcon.services.daemon import alerts_path, order_of

    store = AlertStore(alerts_path(invocation.open_session()), read_only=True)
    try:
        alerts, outbox = sorted(store.alerts, key=order_of), store.outbox
    finally:
        store.close()
    zone = invocation.zone[0]
    document = Document(
        kind="AlertList",
        columns=_STATUS,
        items=[
            {
                "state": "firing" if alert.is_firing else "pending",
                "rule": alert.rule,
                "since": format_time(alert.since_ms, zone),
                "labels": ", ".join(f"{name}={value}" for name, value in alert.labels),
                "summary": alert.summary,
                "told": None if alert.told_ms is None else format_time(alert.told_ms, zone),
            }
            for alert in alerts
        ],
        name_key="rule",
    )
    code = invocation.show(document)
    waiting: dict[str, list[str]] = {}
    for each in outbox:
        waiting.setdefault(each.sink, []).append(each.problem)
    for sink, problems in waiting.items():
        reason = next((f": {problem}" for problem in problems if problem), "")
        many = "1 message waits" if len(problems) == 1 else f"{len(problems)} messages wait"
        invocation.diagnostics.note(f"{many} for sink {display_safe(sink)}{display_safe(reason)}.")
    return code


def _test(request: AlertsTest, invocation: Invocation) -> int:
    import asyncio
    from dataclasses import replace

    from kcon.services.alerting import send_test

    config = read_config(request.config, invocation)
    known = {sink.name: sink for sink in config.sinks}
    for name in request.sinks:
        if name not in known:
            raise UsageError(
                f"There is no sink {display_safe(name)}.",
                f"There are {', '.join(known) or 'none; see docs/alerts.md'}.",
            )
    if not known:
        raise UsageError("No sink is configured, so there is nobody to tell.", "docs/alerts.md shows how to add one.")
    chosen = tuple(sink for sink in config.sinks if not request.sinks or sink.name in request.sinks)
    environment = invocation.environment
    terminal = environment.stderr if environment.stderr_is_terminal else None
    told = asyncio.run(send_test(replace(config, sinks=chosen), "test", environment.now_ms, terminal=terminal))
    invocation.show(
        Document(
            kind="AlertTestList",
            columns=_TESTS,
            items=[
                {
                    "sink": each.sink,
                    "kind": known[each.sink].kind,
                    "told": not each.problem,
                    "ms": each.took_ms,
                    "problem": each.problem,
                }
                for each in told
            ],
            name_key="sink",
        )
    )
    return ExitCode.CHECK_FAILED if any(each.problem for each in told) else ExitCode.OK
