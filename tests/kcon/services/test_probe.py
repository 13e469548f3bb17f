"""A probe's records over a cluster that loses, doubles and refuses: each is told as what it was."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.contexts.context import Mode
from kcon.core.ids import group_id, topic_name
from kcon.core.probe_report import RoundTrip, report
from kcon.errors import RefusedError
from kcon.gate.permit import Operation
from kcon.records.record import NewRecord, Record, TimestampType
from kcon.services.probe import ProbeOptions, probe_cluster
from kcon.services.session import Session
from tests.kcon.conftest import FakeCluster, FakeTopic

TOPIC = topic_name("kcon-probe")


@dataclass
class Wire:
    """What stands between the producer and the reader; an asynchronous context manager, as both are."""

    copies: dict[int, int] = field(default_factory=dict)
    """By number of the record, how often it comes out; 1 where nothing is said."""
    refused: set[int] = field(default_factory=set)
    sent: int = 0
    failed: int = 0
    batches: "asyncio.Queue[list[Record]]" = field(default_factory=asyncio.Queue)

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing is held."""

    async def __anext__(self) -> list[Record]:
        return await self.batches.get()

    async def send(self, records: Sequence[NewRecord]) -> None:
        (new,) = records
        number, self.sent = self.sent, self.sent + 1
        if number in self.refused:
            self.failed += 1
            return
        record = Record(TOPIC, new.partition or 0, number, 1, TimestampType.CREATE_TIME, new.key, new.value)
        for _copy in range(self.copies.get(number, 1)):
            self.batches.put_nowait([record])

    async def flush(self) -> Any:
        return SimpleNamespace(failed=self.failed)


async def trips_over(session: Session, wire: Wire, monkeypatch: pytest.MonkeyPatch, count: int) -> list[RoundTrip]:
    async def opened(*_arguments: object) -> Wire:
        return wire

    monkeypatch.setattr("kcon.services.probe.open_stream", opened)
    monkeypatch.setattr("kcon.services.probe.open_producer", opened)
    monkeypatch.setattr("kcon.services.probe.SETTLE_MS", 1)
    options = ProbeOptions(
        topic=TOPIC, group=group_id("kcon-probe"), count=count, interval_ms=0, wait_ms=20, size_bytes=1
    )
    return await probe_cluster(session, options)


@pytest.fixture
def probed(fake_cluster: FakeCluster) -> FakeCluster:
    """Return a cluster with the probe's topic, of two partitions."""
    fake_cluster.topics_by_name["kcon-probe"] = FakeTopic([(0, 0), (0, 0)])
    return fake_cluster


def test_each_record_is_told_as_what_became_of_it(
    probed: FakeCluster, on_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(copies={1: 0, 2: 3}, refused={4})
    told = report(on_session(trips_over, wire, monkeypatch, 6))
    assert (told.sent, told.received, told.lost, told.duplicates, told.not_acknowledged) == (6, 4, 1, 2, 1)
    assert told.not_committed == 0
    assert not told.is_well


def test_every_record_that_was_read_is_committed_behind(
    probed: FakeCluster, on_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = report(on_session(trips_over, Wire(), monkeypatch, 3))
    assert told.is_well
    commits = [what for operation, what in probed.mutations if operation is Operation.OFFSETS_COMMIT]
    assert [list(each.values()) for each in commits if isinstance(each, dict)] == [[1], [2], [3]]


def test_a_read_only_context_is_refused_before_anything(
    probed: FakeCluster, on_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    on_session.mode = Mode.READ_ONLY
    with pytest.raises(RefusedError):
        on_session(trips_over, wire, monkeypatch, 1)
    assert (wire.sent, probed.mutations) == (0, [])
