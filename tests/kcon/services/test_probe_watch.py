"""What a daemon's probes tell the rules and Prometheus; that they have an end, and that a refusal ends them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.core.probe_report import RoundTrip
from kcon.errors import RefusedError, UnreachableError
from kcon.observe.alert_finder import THRESHOLDS
from kcon.services.probe import ProbeOptions
from kcon.services.probe_config import NO_PROBES, ProbeConfig
from kcon.services.probe_watch import ProbeWatch

CONFIG = ProbeConfig(every_ms=60_000, count=2, wait_ms=1_000, topic="kcon-probe", create=False)
WELL = RoundTrip(0, 2.0, 5.0, 1.0, 1)


class Watch:
    """A watch whose probes answer as they are told."""

    def __init__(self, *answers: Any, config: ProbeConfig = CONFIG) -> None:
        self.notes: list[str] = []
        self.asked: list[ProbeOptions] = []
        self._answers = list(answers)
        session: Any = SimpleNamespace(now_ms=lambda: 7_000)
        self.watch = ProbeWatch(session, config, self.notes.append, send=self._send)

    async def _send(self, _session: object, options: ProbeOptions) -> list[RoundTrip]:
        self.asked.append(options)
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return list(answer)

    def probe(self) -> dict[str, str]:
        asyncio.run(self.watch.probe())
        return {finding.rule: finding.summary for finding in self.watch.findings(dict(THRESHOLDS)).findings}

    def samples(self) -> dict[str, float]:
        return {
            "/".join((family.name, *labels)): value
            for family in self.watch.families()
            for labels, value in family.samples
        }


def test_nothing_is_said_before_the_first_probe() -> None:
    made = Watch()
    assert made.watch.findings(dict(THRESHOLDS)).judged == frozenset()
    assert made.samples() == {}


def test_a_probe_that_got_through_ends_its_alerts() -> None:
    made = Watch([WELL, WELL])
    assert made.probe() == {}
    assert made.watch.findings(dict(THRESHOLDS)).judged == {"KafkaProbeFailed", "KafkaProbeLost", "KafkaProbeSlow"}
    options = made.asked[0]
    assert (str(options.topic), options.count, options.create, options.delete) == ("kcon-probe", 2, False, False)
    assert made.samples() == {
        "kcon_probe_up": 1,
        "kcon_probe_timestamp_seconds": 7,
        "kcon_probe_records/sent": 2,
        "kcon_probe_records/refused": 0,
        "kcon_probe_records/lost": 0,
        "kcon_probe_records/duplicate": 0,
        "kcon_probe_records/not_committed": 0,
        "kcon_probe_round_trip_seconds/0.5": 0.005,
        "kcon_probe_round_trip_seconds/0.99": 0.005,
    }


@pytest.mark.parametrize(
    ("trips", "found"),
    [
        ([WELL, WELL._replace(copies=0, round_trip_ms=None)], {"KafkaProbeLost": "1 were lost and 0 came twice"}),
        ([WELL, WELL._replace(copies=2)], {"KafkaProbeLost": "0 were lost and 1 came twice"}),
        ([WELL, RoundTrip(0, None, None, None, 0)], {"KafkaProbeFailed": "1 of 2 probe records were not acknowledged"}),
        ([WELL._replace(round_trip_ms=1_001.0)], {"KafkaProbeSlow": "took 1"}),
        ([WELL._replace(round_trip_ms=1_000.0)], {}),
    ],
)
def test_what_went_wrong_is_found(trips: list[RoundTrip], found: dict[str, str]) -> None:
    told = Watch(trips).probe()
    assert told.keys() == found.keys()
    assert all(found[rule] in summary for rule, summary in told.items())


def test_a_cluster_that_does_not_take_records_is_an_alert_and_said_once() -> None:
    made = Watch(UnreachableError("No broker answers."), UnreachableError("No broker answers."), [WELL])
    assert made.probe() == {"KafkaProbeFailed": "Records do not get through: No broker answers."}
    made.probe()
    assert made.notes == ["The probe failed: No broker answers."]
    assert made.samples()["kcon_probe_up"] == 0
    assert made.probe() == {}


def test_a_probe_has_a_deadline() -> None:
    made = Watch(TimeoutError())
    assert made.probe() == {"KafkaProbeFailed": "Records do not get through: a probe did not end within 34.0 s"}


def test_what_the_gate_refuses_ends_the_probing_and_alerts_nobody() -> None:
    made = Watch(RefusedError("The context is read-only."))
    asyncio.run(made.watch.run())
    assert made.notes == ["There are no probes: The context is read-only."]
    assert made.watch.findings(dict(THRESHOLDS)) == NO_PROBES
    assert made.samples() == {}
