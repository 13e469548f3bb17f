"""The alert engine, look by look on a clock that the test moves: who is told, when, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.alert import AlertPolicy, Change, Finding, Labels, Notice, Observation, count_by_rule, labels_of
from kcon.core.alert_engine import GAP_MS, AlertEngine
from kcon.core.alert_rules import Severity

T0 = 1_795_487_700_000
LATE = AlertPolicy(
    name="Late", for_ms=60_000, resolve_after_ms=30_000, repeat_ms=600_000, inhibited_by=frozenset({"Down"})
)
DOWN = AlertPolicy(name="Down", severity=Severity.PAGE, resolve_after_ms=0, repeat_ms=0)
NAMES = frozenset({"Late", "Down"})
A, B = labels_of(group="a"), labels_of(group="b")


class Watch:
    """An engine, its clock, and what it told."""

    def __init__(self, *policies: AlertPolicy) -> None:
        self.policies = policies or (LATE, DOWN)
        self.engine = AlertEngine(self.policies)
        self.now_ms = T0

    def look(self, *found: tuple[str, Labels], after_s: float = 0, **more: Any) -> list[tuple[str, str]]:
        self.now_ms += round(after_s * 1000)
        findings = tuple(Finding(rule=rule, labels=labels, summary=f"{rule}.") for rule, labels in found)
        observation = replace(Observation(findings=findings, judged=NAMES), **more)
        return [(notice.change.value, notice.rule) for notice in self.engine.step(self.now_ms, observation)]


def test_an_alert_fires_once_it_has_held_long_enough_and_is_told_once() -> None:
    watch = Watch()
    assert watch.look(("Late", A)) == []
    assert watch.look(("Late", A), after_s=59.999) == []
    assert watch.look(("Late", A), after_s=0.001) == [("firing", "Late")]
    assert watch.look(("Late", A), after_s=30) == []


def test_a_break_begins_the_wait_anew() -> None:
    watch = Watch()
    watch.look(("Late", A))
    watch.look(after_s=30)
    assert watch.look(("Late", A), after_s=40) == []
    assert watch.look(("Late", A), after_s=60) == [("firing", "Late")]


def test_the_end_is_told_when_it_has_been_gone_for_long_enough() -> None:
    watch = Watch()
    watch.look(("Late", A))
    watch.look(("Late", A), after_s=60)
    assert watch.look(after_s=29) == []
    assert watch.look(after_s=1) == [("resolved", "Late")]
    assert watch.look(after_s=60) == []
    assert watch.engine.alerts == []


def test_a_short_pause_of_a_firing_alert_is_neither_its_end_nor_a_new_one() -> None:
    watch = Watch()
    watch.look(("Late", A))
    watch.look(("Late", A), after_s=60)
    assert watch.look(after_s=20) == []
    assert watch.look(("Late", A), after_s=20) == []


def test_what_goes_on_is_told_again_after_its_interval_or_never() -> None:
    watch = Watch()
    watch.look(("Late", A), ("Late", B))
    watch.look(("Late", A), ("Late", B), after_s=60)
    assert watch.look(("Late", A), after_s=599.999) == [("resolved", "Late")]
    assert watch.look(("Late", A), after_s=0.001) == [("repeated", "Late")]
    assert watch.look(("Down", ()), ("Late", A)) == [("firing", "Down")]
    assert watch.look(("Down", ()), ("Late", A), after_s=86_400) == []


def test_what_could_not_be_judged_neither_ends_nor_fires() -> None:
    watch = Watch()
    watch.look(("Late", A))
    watch.look(("Late", A), after_s=60)
    watch.look(("Late", B))
    assert watch.look(after_s=600, judged=frozenset()) == []
    assert {alert.labels for alert in watch.engine.alerts} == {A, B}
    assert watch.look(after_s=1, unknown=frozenset({("group", "a")})) == []
    assert [alert.labels for alert in watch.engine.alerts] == [A]
    assert watch.look() == [("resolved", "Late")]


def test_what_follows_from_another_alert_waits_in_silence() -> None:
    watch = Watch()
    watch.look(("Late", A))
    watch.look(("Late", A), ("Down", ()), after_s=60)
    assert watch.engine.is_inhibited("Late")
    assert watch.look(("Late", A), ("Down", ()), after_s=900) == []
    assert watch.look(("Late", A), after_s=1) == [("resolved", "Down"), ("firing", "Late")]
    assert [alert.told_ms for alert in watch.engine.alerts] == [watch.now_ms]


def test_nobody_hears_of_the_end_of_what_nobody_heard_of() -> None:
    watch = Watch()
    watch.look(("Late", A), ("Down", ()))
    assert watch.look(("Late", A), ("Down", ()), after_s=60) == []
    assert watch.look(("Down", ()), after_s=60) == []
    assert [alert.rule for alert in watch.engine.alerts] == ["Down"]


def test_pages_come_first_and_what_ended_last() -> None:
    watch = Watch(replace(LATE, for_ms=0, resolve_after_ms=0, inhibited_by=frozenset()), DOWN)
    assert watch.look(("Late", A), ("Down", ())) == [("firing", "Down"), ("firing", "Late")]
    assert watch.look(("Late", B)) == [("resolved", "Down"), ("firing", "Late"), ("resolved", "Late")]


def test_two_findings_with_one_key_are_one_alert() -> None:
    watch = Watch(DOWN)
    assert watch.look(("Down", A), ("Down", A)) == [("firing", "Down")]
    assert len(watch.engine.alerts) == 1


@pytest.mark.parametrize(("room", "kept", "left_out"), [(3, 2, 0), (2, 2, 0), (1, 1, 1)])
def test_no_more_are_remembered_than_there_is_room_for(room: int, kept: int, left_out: int) -> None:
    engine = AlertEngine([DOWN], alerts_max=room)
    findings = tuple(Finding(rule="Down", labels=labels) for labels in (A, B))
    engine.step(T0, Observation(findings=findings, judged=NAMES))
    assert (len(engine.alerts), engine.left_out) == (kept, left_out)


def test_alerts_of_a_rule_that_is_no_more_go_without_a_word() -> None:
    watch = Watch(DOWN)
    watch.look(("Down", A))
    engine = AlertEngine([LATE], watch.engine.alerts)
    assert engine.step(T0 + 1, Observation(judged=NAMES)) == []
    assert engine.alerts == []


def test_a_clock_that_is_set_back_by_an_hour_costs_no_hour() -> None:
    watch = Watch()
    watch.look(("Late", A))
    assert watch.look(("Late", A), after_s=-3_600) == []
    assert watch.look(("Late", A), after_s=60) == [("firing", "Late")]
    assert watch.look(after_s=-3_600) == []
    assert watch.look(after_s=30) == [("resolved", "Late")]


@pytest.mark.parametrize(("gap_ms", "told"), [(GAP_MS, 1), (GAP_MS + 1, 0)])
def test_who_was_not_looked_at_for_long_begins_its_wait_anew(gap_ms: int, told: int) -> None:
    watch = Watch()
    watch.look(("Late", A))
    assert len(watch.look(("Late", A), after_s=gap_ms / 1000)) == told


def test_alerts_are_counted_by_rule_and_state() -> None:
    watch = Watch(LATE, replace(DOWN, name="Up"))
    watch.look(("Late", A), ("Late", B), ("Up", ()))
    assert count_by_rule(watch.engine.alerts) == {("Late", False): 2, ("Up", True): 1}


# --- whatever happens ------------------------------------------------------------------------------------------

KEYS = [(rule, labels) for rule in ("Late", "Down") for labels in (A, B)]
Look = tuple[int, frozenset[tuple[str, Labels]], bool]
LOOKS = st.lists(
    st.tuples(st.integers(0, 90_000), st.frozensets(st.sampled_from(KEYS)), st.sampled_from([True, True, True, False])),
    max_size=40,
)
POLICIES = st.builds(
    lambda for_s, gone_s, repeat_s: (
        replace(LATE, for_ms=for_s * 1000, resolve_after_ms=gone_s * 1000, repeat_ms=repeat_s * 1000),
        DOWN,
    ),
    st.sampled_from([0, 1, 60]),
    st.sampled_from([0, 30, 300]),
    st.sampled_from([0, 60, 600]),
)


def run(policies: tuple[AlertPolicy, ...], looks: Sequence[Look], *, restart_each: bool = False) -> list[Notice]:
    engine, now_ms, told = AlertEngine(policies), T0, list[Notice]()
    for after_ms, found, is_judged in looks:
        now_ms += after_ms
        findings = tuple(Finding(rule=rule, labels=labels) for rule, labels in sorted(found)) if is_judged else ()
        told += engine.step(now_ms, Observation(findings=findings, judged=NAMES if is_judged else frozenset()))
        if restart_each:
            engine = AlertEngine(policies, engine.alerts)
    return told


@given(POLICIES, LOOKS)
def test_an_engine_that_dies_after_every_look_tells_the_same(
    policies: tuple[AlertPolicy, ...], looks: list[Look]
) -> None:
    assert run(policies, looks) == run(policies, looks, restart_each=True)


@given(POLICIES, LOOKS)
def test_each_alert_begins_then_repeats_then_ends(policies: tuple[AlertPolicy, ...], looks: list[Look]) -> None:
    told: dict[tuple[str, Labels], list[Notice]] = {}
    for notice in run(policies, looks):
        told.setdefault((notice.rule, notice.labels), []).append(notice)
    for notices in told.values():
        before: Notice | None = None
        for notice in notices:
            is_new = before is None or before.change is Change.RESOLVED
            assert (notice.change is Change.FIRING) == is_new
            if notice.change is Change.REPEATED and before is not None:
                assert notice.at_ms - before.at_ms >= policies[0].repeat_ms > 0
            before = notice


@given(POLICIES, LOOKS)
def test_nothing_is_told_of_what_is_not_there_or_follows_from_another(
    policies: tuple[AlertPolicy, ...], looks: list[Look]
) -> None:
    engine, now_ms = AlertEngine(policies), T0
    held_since: dict[tuple[str, Labels], int] = {}
    for after_ms, found, is_judged in looks:
        now_ms += after_ms
        if is_judged:
            held_since = {key: held_since.get(key, now_ms) for key in found}
        findings = tuple(Finding(rule=rule, labels=labels) for rule, labels in found) if is_judged else ()
        was_firing = {alert.key for alert in engine.alerts if alert.is_firing}
        for notice in engine.step(now_ms, Observation(findings=findings, judged=NAMES if is_judged else frozenset())):
            key = notice.rule, notice.labels
            if notice.change is Change.RESOLVED:
                assert is_judged
                assert key not in found
                continue
            assert key in found
            assert notice.rule == "Down" or not any(rule == "Down" for rule, _labels in found)
            if notice.change is Change.FIRING and key not in was_firing and notice.rule == "Late":
                assert now_ms - held_since[key] >= policies[0].for_ms


@given(POLICIES, LOOKS)
def test_what_is_over_is_forgotten(policies: tuple[AlertPolicy, ...], looks: list[Look]) -> None:
    engine, now_ms = AlertEngine(policies), T0
    for after_ms, found, _is_judged in looks:
        now_ms += after_ms
        findings = tuple(Finding(rule=rule, labels=labels) for rule, labels in found)
        engine.step(now_ms, Observation(findings=findings, judged=NAMES))
    engine.step(now_ms + 300_000, Observation(judged=NAMES))
    assert engine.alerts == []
