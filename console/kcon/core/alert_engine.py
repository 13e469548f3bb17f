"""When is somebody told of what was found, and when not? A state machine over findings. No I/O; time is an argument.

An alert is pending until it has been found for as long as its rule wants, then it fires; each is told once, again after
the rule's interval, and once more when it has been gone for long enough. What a look could not judge keeps its state: a
broker that does not answer resolves nothing, and lets nothing fire. While an alert that explains it is there, an alert
waits in silence.

The state is the alerts alone: an engine made of another's alerts goes on as that one would have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from kcon.core.alert import Alert, AlertKey, AlertPolicy, Change, Finding, Notice, Observation
from kcon.core.alert_rules import Severity

ALERTS_MAX: Final = 10_000
"""More are not remembered: whoever has so many alerts has one."""
GAP_MS: Final = 300_000
"""Who was not found for so long, because nobody looked, was not found without a break."""


class AlertEngine:
    """The alerts of one cluster. One thread."""

    def __init__(
        self, policies: Iterable[AlertPolicy], alerts: Iterable[Alert] = (), *, alerts_max: int = ALERTS_MAX
    ) -> None:
        """Go on with `alerts`. Those of a rule that is no more end at the next step, in silence."""
        self._policies: Mapping[str, AlertPolicy] = {policy.name: policy for policy in policies}
        self._alerts: dict[AlertKey, Alert] = {alert.key: alert for alert in alerts}
        self._alerts_max = alerts_max
        self._now_ms = max((alert.seen_ms for alert in self._alerts.values()), default=0)
        self.left_out = 0
        """Findings of the last step for which there was no room."""

    @property
    def alerts(self) -> Sequence[Alert]:
        """What is remembered now, pending alerts too."""
        return list(self._alerts.values())

    def is_inhibited(self, rule: str) -> bool:
        """Whether alerts of a rule are silent, because one that explains them is there."""
        policy = self._policies.get(rule)
        return policy is not None and not policy.inhibited_by.isdisjoint(rule for rule, _labels in self._alerts)

    def step(self, now_ms: int, observation: Observation) -> list[Notice]:
        """Take in one look; return what is to be told, pages first."""
        self._follow_clock(now_ms)
        self._drop_unknown_rules()
        found: dict[AlertKey, Finding] = {}
        for finding in observation.findings:
            if finding.rule in self._policies:
                found.setdefault(finding.key, finding)
        ended = self._let_go(now_ms, found, observation)
        self._take_in(now_ms, found, observation)
        return sorted([*ended, *self._tell(now_ms, found)], key=_order)

    def _follow_clock(self, now_ms: int) -> None:
        """A clock that was set back moves what is remembered with it, so that no wait grows by the difference."""
        back_ms = self._now_ms - now_ms
        self._now_ms = now_ms
        if back_ms <= 0:
            return
        for key, alert in self._alerts.items():
            self._alerts[key] = replace(
                alert,
                since_ms=alert.since_ms - back_ms,
                seen_ms=alert.seen_ms - back_ms,
                fired_ms=None if alert.fired_ms is None else alert.fired_ms - back_ms,
                told_ms=None if alert.told_ms is None else alert.told_ms - back_ms,
            )

    def _drop_unknown_rules(self) -> None:
        for key in [key for key in self._alerts if key[0] not in self._policies]:
            del self._alerts[key]

    def _let_go(self, now_ms: int, found: Mapping[AlertKey, Finding], observation: Observation) -> list[Notice]:
        notices = []
        for key, alert in list(self._alerts.items()):
            if key in found or not _is_judged(alert, observation):
                continue
            policy = self._policies[alert.rule]
            if alert.is_firing and now_ms - alert.seen_ms < policy.resolve_after_ms:
                continue
            # A pending alert ends with the first break; nobody heard of it.
            del self._alerts[key]
            if alert.told_ms is not None:
                notices.append(_notice(Change.RESOLVED, alert, policy, now_ms))
        return notices

    def _take_in(self, now_ms: int, found: Mapping[AlertKey, Finding], observation: Observation) -> None:
        self.left_out = 0
        for key, finding in found.items():
            alert = self._alerts.get(key)
            if alert is None:
                if len(self._alerts) >= self._alerts_max:
                    self.left_out += 1
                    continue
                alert = Alert(
                    rule=finding.rule,
                    labels=finding.labels,
                    summary=finding.summary,
                    value=finding.value,
                    since_ms=now_ms,
                    seen_ms=now_ms,
                )
            if not alert.is_firing and now_ms - alert.seen_ms > GAP_MS:
                alert = replace(alert, since_ms=now_ms)
            policy = self._policies[finding.rule]
            is_due = alert.fired_ms is None and now_ms - alert.since_ms >= policy.for_ms
            self._alerts[key] = replace(
                alert,
                summary=finding.summary,
                value=finding.value,
                seen_ms=now_ms,
                fired_ms=now_ms if is_due else alert.fired_ms,
            )

    def _tell(self, now_ms: int, found: Mapping[AlertKey, Finding]) -> list[Notice]:
        notices = []
        silent = {rule for rule in self._policies if self.is_inhibited(rule)}
        for key, alert in self._alerts.items():
            if not alert.is_firing or alert.rule in silent or key not in found:
                continue
            policy = self._policies[alert.rule]
            if alert.told_ms is None:
                change = Change.FIRING
            elif policy.repeat_ms and now_ms - alert.told_ms >= policy.repeat_ms:
                change = Change.REPEATED
            else:
                continue
            self._alerts[key] = replace(alert, told_ms=now_ms)
            notices.append(_notice(change, alert, policy, now_ms))
        return notices


def _is_judged(alert: Alert, observation: Observation) -> bool:
    return alert.rule in observation.judged and observation.unknown.isdisjoint(alert.labels)


def _notice(change: Change, alert: Alert, policy: AlertPolicy, now_ms: int) -> Notice:
    return Notice(
        change=change,
        rule=alert.rule,
        severity=policy.severity,
        labels=alert.labels,
        summary=alert.summary,
        value=alert.value,
        since_ms=alert.since_ms,
        at_ms=now_ms,
        sinks=policy.sinks,
    )


def _order(notice: Notice) -> tuple[bool, bool, str, object]:
    return notice.severity is not Severity.PAGE, notice.change is Change.RESOLVED, notice.rule, notice.labels
