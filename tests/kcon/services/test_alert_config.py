"""alerts.toml: what it may say, and that each mistake is told by its place."""

from pathlib import Path
from typing import Any

import pytest

from kcon.core.alert_rules import RULES, Severity
from kcon.errors import KconError, UsageError
from kcon.services.alert_config import AlertConfig, parse_alert_config, read_alert_config
from kcon.services.alert_sinks import load_sink_kinds
from kcon.services.probe_config import ProbeConfig

KINDS, _FAULTS = load_sink_kinds()
PATH = Path("alerts.toml")


def parse(**document: Any) -> AlertConfig:
    return parse_alert_config(document, PATH, KINDS, {"URL": "http://h/SECRET"})


def test_without_a_file_the_rules_that_come_with_kcon_are_on_and_nobody_is_told(tmp_path: Path) -> None:
    config = read_alert_config(tmp_path / "none.toml", KINDS, {})
    assert {policy.name for policy in config.policies} == {rule.name for rule in RULES if not rule.is_for_prometheus}
    assert (config.sinks, config.own_rules) == ((), ())
    with pytest.raises(UsageError, match="no file"):
        read_alert_config(tmp_path / "none.toml", KINDS, {}, must_exist=True)


def test_a_rule_is_changed_where_the_file_says_so() -> None:
    config = parse(
        rule={
            "KafkaGroupLate": {"threshold": 600, "for": "10m", "severity": "page", "repeat": "1h", "sinks": ["ops"]},
            "KafkaDiskLow": {"enabled": False},
        },
        sink={"ops": {"kind": "webhook", "url_env": "URL"}},
    )
    policies = {policy.name: policy for policy in config.policies}
    late = policies["KafkaGroupLate"]
    assert (late.for_ms, late.severity, late.repeat_ms, late.sinks) == (600_000, Severity.PAGE, 3_600_000, ("ops",))
    assert "KafkaBrokerDown" in late.inhibited_by
    assert config.thresholds == {"KafkaGroupLate": 600.0}
    assert "KafkaDiskLow" not in policies


def test_an_own_rule_is_asked_over_its_scope() -> None:
    config = parse(rule={"Orders": {"on": "topic", "when": "in_per_s < 1.0 && topic.startsWith('o')", "for": "5m"}})
    (own,) = config.own_rules
    values = {"topic": "orders", "in_per_s": 0.5}
    assert own.matches({**dict.fromkeys(["internal"]), **values}) is True
    assert own.matches({**values, "topic": "x"}) is False
    assert own.matches({**values, "in_per_s": None}) is not True, "what is unknown is no match"
    assert config.policies[-1].for_ms == 300_000


def test_who_wants_the_rules_alone_reads_no_secret() -> None:
    document = {"rule": {"KafkaGroupLate": {"sinks": ["ops"]}}, "sink": {"ops": {"kind": "webhook", "url_env": "NONE"}}}
    config = parse_alert_config(document, PATH, KINDS, {}, opens_sinks=False)
    assert config.sinks == ()
    assert {policy.sinks for policy in config.policies} == {(), ("ops",)}


def test_secrets_never_show() -> None:
    config = parse(sink={"ops": {"kind": "webhook", "url_env": "URL"}})
    assert "SECRET" not in repr(config)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"rules": {}}, "unknown key 'rules'"),
        ({"rule": []}, "no table of tables"),
        ({"rule": {"KafkaGroupLate": {"treshold": 1}}}, r"\[rule.KafkaGroupLate\] has the unknown key 'treshold'"),
        ({"rule": {"KafkaGroupLate": {"threshold": "1"}}}, "threshold is no number"),
        ({"rule": {"KafkaGroupLate": {"for": 5}}}, "for is no duration"),
        ({"rule": {"KafkaGroupLate": {"for": "5"}}}, "for: Not a duration"),
        ({"rule": {"KafkaGroupLate": {"severity": "bad"}}}, "severity is 'bad'"),
        ({"rule": {"KafkaGroupLate": {"sinks": ["x"]}}}, "names the sink 'x', which is not there"),
        ({"rule": {"KafkaGroupLate": {"enabled": 1}}}, "neither true nor false"),
        ({"rule": {"KafkaGroupStopped": {"threshold": 1}}}, "has no threshold"),
        ({"rule": {"KafkaGroupLat": {}}}, "none of the rules that come with kcon"),
        ({"rule": {"A": {"on": "disk", "when": "true"}}}, "on is 'disk'"),
        ({"rule": {"A": {"when": "lagg > 1"}}}, r"\[rule.A\] when is not CEL"),
        ({"rule": {"A": {"when": "lag +"}}}, r"\[rule.A\] when is not CEL"),
        ({"rule": {"A": {"when": "'x'"}}}, r"\[rule.A\] when must say yes or no"),
        ({"rule": {"A": {"when": "true", "inhibited_by": ["B"]}}}, "inhibited_by names 'B', which is no rule"),
        (
            {
                "rule": {
                    "A": {"when": "true", "inhibited_by": ["B"]},
                    "B": {"when": "true", "inhibited_by": ["A"]},
                }
            },
            "silences itself",
        ),
        ({"rule": {"a b": {"when": "true"}}}, "is no name"),
        ({"sink": {"x": {"kind": "mail"}}}, "kind 'mail'"),
        ({"sink": {"x": {"kind": "webhook"}}}, "lacks url"),
        ({"sink": {"x": {"kind": "webhook", "url_env": "NONE"}}}, "NONE is not set"),
        ({"sink": {"x": {"kind": "webhook", "url": "http://h", "secret": "s"}}}, "holds a secret in secret"),
        ({"sink": {"x": {"kind": "webhook", "url": "http://h", "template": "teams"}}}, "template is 'teams'"),
        ({"sink": {"x": {"kind": "webhook", "url": "http://h", "timeout": "0s"}}}, "timeout is not between"),
        ({"sink": {"x": {"kind": "webhook", "url": "http://h", "severity": "bad"}}}, "severity is 'bad'"),
        ({"sink": {"x": {"kind": "exec", "command": "rm -rf"}}}, "command is no list"),
        ({"sink": {"x": {"kind": "exec", "command": []}}}, "command is a list"),
        ({"sink": {f"s{index}": {"kind": "bell"} for index in range(33)}}, "32 are the most|there are 33 sinks"),
    ],
)
def test_mistakes_are_told_by_their_place(document: dict[str, Any], told: str) -> None:
    with pytest.raises(KconError, match=told):
        parse(**document)


def test_probes_are_made_only_where_the_file_says_so() -> None:
    assert parse().probe is None
    assert parse(probe={}).probe == ProbeConfig(
        every_ms=60_000, count=3, wait_ms=10_000, topic="kcon-probe", create=False
    )
    told = parse(probe={"every": "10s", "count": 20, "wait": "1s", "topic": "kcon-probe-2", "create": True}).probe
    assert told == ProbeConfig(every_ms=10_000, count=20, wait_ms=1_000, topic="kcon-probe-2", create=True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"every": "9s"}, "every is less than 10s"),
        ({"count": 0}, "count is not between 1 and 20"),
        ({"count": 21}, "count is not between 1 and 20"),
        ({"count": True}, "count is not between"),
        ({"topic": "orders"}, "topic does not begin with kcon-probe"),
        ({"wait": "0s"}, "wait is not between"),
        ({"create": "yes"}, "create is neither"),
        ({"interval": "1m"}, "unknown key 'interval'"),
        ([], "is no table"),
    ],
)
def test_a_probe_that_costs_or_reaches_too_much_is_refused(table: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(probe=table)
