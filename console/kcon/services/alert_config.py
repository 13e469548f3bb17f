"""What does alerts.toml say? Changes to the rules that come with kcon, own rules in CEL, and sinks; each key checked.

    [rule.KafkaGroupLate]          # A rule that comes with kcon: what is said here replaces its own.
    threshold = 600
    for = "10m"
    sinks = ["chat"]

    [rule.OrdersLate]              # An own rule.
    on = "group"
    when = 'lag_seconds > 30.0 && group.startsWith("orders")'
    severity = "page"

    [sink.chat]
    kind = "webhook"
    template = "slack"
    url_file = "/etc/kcon/slack-url"

    [probe]                        # Let the daemon send records through the cluster: without it nothing is written.
    every = "1m"

A file is only ever read from kcon's own folder or where the user points: it names programs to run.
"""

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from kcon.contexts.secret import Secret
from kcon.contexts.secrets import read_secret
from kcon.core.alert import RESOLVE_AFTER_MS, AlertPolicy, Notice
from kcon.core.alert_rules import RULES, Severity
from kcon.core.units import parse_duration_ms
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, UsageError
from kcon.observe.alert_finder import OwnRule
from kcon.observe.alert_scopes import SCOPES
from kcon.plugin_api.alerting import Sink, SinkKind, SinkSetting, Value
from kcon.services.probe_config import ProbeConfig

FILE_BYTES_MAX: Final = 1024 * 1024
SINKS_MAX: Final = 32
OWN_RULES_MAX: Final = 200
TIMEOUT_MS: Final = 10_000
TIMEOUT_MS_MAX: Final = 300_000

PROBE_TOPIC: Final = "kcon-probe"
"""What the name of a probe's topic begins with: it never writes into somebody's data."""
PROBE_EVERY_MS: Final = 60_000
PROBE_EVERY_MIN_MS: Final = 10_000
PROBE_COUNT: Final = 3
PROBE_COUNT_MAX: Final = 20

_PROBE_KEYS: Final = frozenset({"every", "count", "wait", "topic", "create"})
_POLICY_KEYS: Final = frozenset({"for", "resolve_after", "repeat", "severity", "sinks", "enabled"})
_BUILT_IN_KEYS: Final = _POLICY_KEYS | {"threshold"}
_OWN_KEYS: Final = _POLICY_KEYS | {"on", "when", "summary", "inhibited_by"}
_SINK_KEYS: Final = frozenset({"kind", "timeout", "ca", "severity", "rules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkConfig:
    """One sink, ready to be told."""

    name: str
    kind: str
    sink: Sink
    refresh_ms: int | None = None
    timeout_ms: int = TIMEOUT_MS
    ca: str | None = None
    severities: frozenset[str] = frozenset()
    """Whom it concerns; empty: both."""
    rules: tuple[str, ...] = ()
    """Globs of the rules it is told of; (): all."""

    def wants(self, notice: Notice) -> bool:
        """Whether it is told of a notice."""
        return (
            notice.is_for(self.name)
            and (not self.severities or notice.severity.value in self.severities)
            and (not self.rules or any(fnmatch.fnmatchcase(notice.rule, glob) for glob in self.rules))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertConfig:
    """Rules and sinks."""

    policies: tuple[AlertPolicy, ...]
    """Of rules that are on."""
    own_rules: tuple[OwnRule, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    sinks: tuple[SinkConfig, ...] = ()
    probe: ProbeConfig | None = None
    """None: nothing is written to the cluster."""


def read_alert_config(
    path: Path,
    kinds: Mapping[str, SinkKind],
    variables: Mapping[str, str],
    *,
    must_exist: bool = False,
    opens_sinks: bool = True,
) -> AlertConfig:
    """Read the file; without one the rules that come with kcon are on, and nobody is told.

    opens_sinks: False for who wants the rules alone: no secret is read then. With it this blocks, as a secret may come
    from a command. UsageError names the first thing that is off.
    """
    document = _read(path, must_exist=must_exist)
    return parse_alert_config(document, path, kinds, variables, opens_sinks=opens_sinks)


def _read(path: Path, *, must_exist: bool) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise UsageError(f"{path} is larger than {FILE_BYTES_MAX} bytes.", "That is no list of rules.")
        return tomllib.loads(content.decode())
    except FileNotFoundError:
        if must_exist:
            raise UsageError(f"There is no file {path}.", "Check --config.") from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}.", "Fix the file.") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.", "Check its permissions.") from error


def parse_alert_config(
    document: Mapping[str, Any],
    path: Path,
    kinds: Mapping[str, SinkKind],
    variables: Mapping[str, str],
    *,
    opens_sinks: bool = True,
) -> AlertConfig:
    """Return what a document says. UsageError names the first thing that is off."""
    _only(document, {"rule", "sink", "probe"}, str(path))
    rules, sinks = _tables(document, "rule", path), _tables(document, "sink", path)
    if len(sinks) > SINKS_MAX:
        raise UsageError(f"{path}: there are {len(sinks)} sinks.", f"{SINKS_MAX} are the most.")
    opened = tuple(_sink(name, table, path, kinds, variables) for name, table in sinks.items()) if opens_sinks else ()
    known = frozenset(sinks)
    policies: list[AlertPolicy] = []
    thresholds: dict[str, float] = {}
    for rule in RULES:
        if rule.is_for_prometheus:
            continue
        where = f"{path}: [rule.{rule.name}]"
        table = rules.pop(rule.name, {})
        _only(table, _BUILT_IN_KEYS, where)
        if "threshold" in table:
            if rule.threshold is None:
                raise UsageError(f"{where} has no threshold.", "`kcon alerts list` shows which have.")
            thresholds[rule.name] = _number(table["threshold"], f"{where} threshold")
        base = AlertPolicy(
            name=rule.name,
            severity=rule.severity,
            for_ms=rule.for_s * 1_000,
            inhibited_by=rule.inhibited_by,
        )
        if _is_on(table, where):
            policies.append(_policy(base, table, where, known))
    own_rules = []
    if len(rules) > OWN_RULES_MAX:
        raise UsageError(f"{path}: there are {len(rules)} own rules.", f"{OWN_RULES_MAX} are the most.")
    for name, table in rules.items():
        where = f"{path}: [rule.{name}]"
        own_rules.append(_own_rule(name, table, where))
        inhibited_by = frozenset(_texts(table.get("inhibited_by", []), f"{where} inhibited_by"))
        if _is_on(table, where):
            policies.append(_policy(AlertPolicy(name=name, inhibited_by=inhibited_by), table, where, known))
    _check_inhibition(policies, rules, path)
    return AlertConfig(
        policies=tuple(policies),
        own_rules=tuple(own_rules),
        thresholds=thresholds,
        sinks=opened,
        probe=parse_probe(document["probe"], f"{path}: [probe]") if "probe" in document else None,
    )


def parse_probe(table: object, where: str) -> ProbeConfig:
    """Return how often the daemon probes, and with how much. UsageError names what is off."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} is no table.")
    _only(table, _PROBE_KEYS, where)
    every_ms = _duration(table["every"], f"{where} every") if "every" in table else PROBE_EVERY_MS
    if every_ms < PROBE_EVERY_MIN_MS:
        raise UsageError(f"{where} every is less than {PROBE_EVERY_MIN_MS // 1000}s.", "Each probe costs connections.")
    wait_ms = _duration(table["wait"], f"{where} wait") if "wait" in table else TIMEOUT_MS
    if not 0 < wait_ms <= TIMEOUT_MS_MAX:
        raise UsageError(f"{where} wait is not between 1ms and {TIMEOUT_MS_MAX // 60_000}m.")
    count = table.get("count", PROBE_COUNT)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= PROBE_COUNT_MAX:
        raise UsageError(f"{where} count is not between 1 and {PROBE_COUNT_MAX}.")
    topic = table.get("topic", PROBE_TOPIC)
    if not isinstance(topic, str) or not topic.startswith(PROBE_TOPIC):
        raise UsageError(f"{where} topic does not begin with {PROBE_TOPIC}.", "A probe has a topic of its own.")
    create = table.get("create", False)
    if not isinstance(create, bool):
        raise UsageError(f"{where} create is neither true nor false.")
    return ProbeConfig(every_ms=every_ms, count=count, wait_ms=wait_ms, topic=topic, create=create)


def _is_on(table: Mapping[str, Any], where: str) -> bool:
    is_on = table.get("enabled", True)
    if not isinstance(is_on, bool):
        raise UsageError(f"{where} enabled is neither true nor false.")
    return is_on


def _policy(base: AlertPolicy, table: Mapping[str, Any], where: str, sinks: frozenset[str]) -> AlertPolicy:
    chosen = _texts(table.get("sinks", []), f"{where} sinks")
    for name in chosen:
        if name not in sinks:
            raise UsageError(f"{where} names the sink {display_safe(name)!r}, which is not there.", _near(name, sinks))
    return replace(
        base,
        severity=_severity(table["severity"], where) if "severity" in table else base.severity,
        for_ms=_duration(table["for"], f"{where} for") if "for" in table else base.for_ms,
        resolve_after_ms=_duration(table["resolve_after"], f"{where} resolve_after")
        if "resolve_after" in table
        else RESOLVE_AFTER_MS,
        repeat_ms=_duration(table["repeat"], f"{where} repeat") if "repeat" in table else base.repeat_ms,
        sinks=chosen,
    )


def _own_rule(name: str, table: Mapping[str, Any], where: str) -> OwnRule:
    built_in = [rule.name for rule in RULES]
    if "when" not in table:
        near = get_close_matches(name, built_in, n=1)
        hint = f"Did you mean {near[0]}?" if near else "An own rule needs `on` and `when`."
        raise UsageError(f"{where} is none of the rules that come with kcon.", hint)
    _only(table, _OWN_KEYS, where)
    scope = table.get("on", "group")
    if scope not in SCOPES:
        raise UsageError(f"{where} on is {display_safe(str(scope))!r}.", f"It is one of {', '.join(SCOPES)}.")
    text = table["when"]
    if not isinstance(text, str):
        raise UsageError(f"{where} when is no text.", "Write a CEL expression in quotes.")
    from kcon.core.filter.engine import compile_filter

    try:
        compiled = compile_filter(text, dict.fromkeys(SCOPES[scope].names, "dyn"))
    except UsageError as error:
        raise UsageError(error.message.replace("--where", f"{where} when"), error.hint) from error
    except KconError as error:
        raise KconError(error.message.replace("--where", f"{where} when"), error.hint) from error
    summary = table.get("summary", f"{name}: {text}")
    if not isinstance(summary, str):
        raise UsageError(f"{where} summary is no text.")
    return OwnRule(name=name, scope=scope, text=text, matches=compiled.matches, summary=summary)


def _check_inhibition(policies: list[AlertPolicy], own: Mapping[str, Any], path: Path) -> None:
    """Refuse own rules that silence each other: nobody would hear of either."""
    known = {rule.name for rule in RULES} | set(own)
    by_name = {policy.name: policy for policy in policies}
    for policy in policies:
        for name in policy.inhibited_by - known:
            raise UsageError(
                f"{path}: [rule.{policy.name}] inhibited_by names {display_safe(name)!r}, which is no rule.",
                _near(name, known),
            )
        reached, waiting = set[str](), list(policy.inhibited_by)
        while waiting:
            name = waiting.pop()
            if name == policy.name:
                raise UsageError(f"{path}: [rule.{policy.name}] silences itself.", "Break the ring of inhibited_by.")
            if name not in reached and name in by_name:
                reached.add(name)
                waiting += by_name[name].inhibited_by


# --- sinks -----------------------------------------------------------------------------------------------------


def _sink(
    name: str, table: Mapping[str, Any], path: Path, kinds: Mapping[str, SinkKind], variables: Mapping[str, str]
) -> SinkConfig:
    where = f"{path}: [sink.{name}]"
    kind = kinds.get(str(table.get("kind", "")))
    if kind is None:
        raise UsageError(
            f"{where} has the kind {display_safe(str(table.get('kind', '(none)')))!r}.",
            f"There are {', '.join(sorted(kinds))}.",
        )
    places = {f"{each.name}_{place}" for each in kind.settings if each.is_secret for place in ("env", "file", "cmd")}
    _only(table, _SINK_KEYS | {each.name for each in kind.settings} | places, where)
    values: dict[str, Value] = {}
    for setting in kind.settings:
        value = _setting(setting, table, where, variables)
        if value is not None:
            values[setting.name] = value
    severities = table.get("severity", [])
    chosen = (severities,) if isinstance(severities, str) else _texts(severities, f"{where} severity")
    timeout_ms = _duration(table["timeout"], f"{where} timeout") if "timeout" in table else TIMEOUT_MS
    if not 0 < timeout_ms <= TIMEOUT_MS_MAX:
        raise UsageError(f"{where} timeout is not between 1ms and {TIMEOUT_MS_MAX // 60_000}m.")
    try:
        sink = kind.open(values)
    except ValueError as error:
        raise UsageError(f"{where}: {display_safe(str(error))}") from error
    ca = table.get("ca")
    if ca is not None and not isinstance(ca, str):
        raise UsageError(f"{where} ca is no path.")
    return SinkConfig(
        name=name,
        kind=kind.name,
        sink=sink,
        refresh_ms=kind.refresh_ms,
        timeout_ms=timeout_ms,
        ca=ca,
        severities=frozenset(_severity(each, where).value for each in chosen),
        rules=_texts(table.get("rules", []), f"{where} rules"),
    )


def _setting(setting: SinkSetting, table: Mapping[str, Any], where: str, variables: Mapping[str, str]) -> Value | None:
    value = table.get(setting.name)
    if setting.is_secret:
        places = {key: str(text) for key, text in table.items()}
        secret = read_secret(setting.name, places, variables)
        if value is not None and not setting.may_be_plain:
            raise UsageError(
                f"{where} holds a secret in {setting.name}.",
                f"Write {setting.name}_file, {setting.name}_env or {setting.name}_cmd instead.",
            )
        if secret is None and isinstance(value, str):
            secret = Secret(value)
        if secret is None and (setting.is_required or value is not None):
            raise UsageError(f"{where} lacks {setting.name}.", setting.help)
        return secret
    if value is None:
        if setting.is_required:
            raise UsageError(f"{where} lacks {setting.name}.", setting.help)
        return None
    if setting.is_list:
        return _texts(value, f"{where} {setting.name}")
    if not isinstance(value, str):
        raise UsageError(f"{where} {setting.name} is no text.")
    if setting.choices and value not in setting.choices:
        raise UsageError(
            f"{where} {setting.name} is {display_safe(value)!r}.", f"It is one of {', '.join(setting.choices)}."
        )
    return value


# --- values ----------------------------------------------------------------------------------------------------


def _tables(document: Mapping[str, Any], key: str, path: Path) -> dict[str, Mapping[str, Any]]:
    tables = document.get(key, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UsageError(f"{path}: {key} is no table of tables.", f"Write [{key}.NAME].")
    for name in tables:
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise UsageError(f"{path}: {display_safe(name)!r} is no name.", "Use letters, digits, '_' and '-'.")
    return dict(tables)


def _only(table: Mapping[str, Any], known: frozenset[str] | set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{where} has the unknown key {display_safe(key)!r}.", _near(key, known))


def _near(name: str, known: "frozenset[str] | set[str]") -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known)) or '(none)'}."


def _duration(value: object, where: str) -> int:
    if not isinstance(value, str):
        raise UsageError(f"{where} is no duration.", 'Write e.g. "90s" or "1h30m".')
    try:
        return parse_duration_ms(value)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from error


def _severity(value: object, where: str) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise UsageError(f"{where} severity is {display_safe(str(value))!r}.", "It is page or warn.") from None


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where} is no number.")
    return float(value)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError(f"{where} is no list of texts.")
    return tuple(value)
