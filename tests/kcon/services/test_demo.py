"""`kcon demo` without a screen: what it reports is what others read, and one lost record is noticed."""

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kcon.services.demo import DemoOptions, run_headless
from kcon.services.demo_feed import LOSE_RECORD_VARIABLE
from kcon.services.demo_report import DemoReport
from kcon.services.demo_tables import sample_tables
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker


def run_demo(data_dir: Path, seconds: float) -> DemoReport:
    return asyncio.run(run_headless(DemoOptions(data_dir=data_dir, tables=sample_tables()), seconds))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoReport, Path]:
    """Return the report of a run and its data folder."""
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    return run_demo(data_dir, 4.0), data_dir


def test_a_run_reads_back_everything_it_wrote(finished: tuple[DemoReport, Path]) -> None:
    report, _ = finished
    assert report.problems == ()
    assert report.ok
    records = {topic.topic: topic.records for topic in report.topics}
    assert records["flights"] > 8_000
    assert records["airlines"] == 16
    assert all(records.values())


def test_the_groups_behave_differently(finished: tuple[DemoReport, Path]) -> None:
    report, _ = finished
    lag = {group.behaviour: group.lag for group in report.groups}
    assert lag["keeps up"] == 0
    assert lag["slow"] > 0


@pytest.mark.kcat
def test_others_read_what_the_report_says(finished: tuple[DemoReport, Path]) -> None:
    """The broker starts again on the folder; kcat and another kcon must agree with the report."""
    report, data_dir = finished

    async def work() -> tuple[dict[tuple[str, int], str], Any]:
        broker = await start_local_broker(LocalBrokerOptions(data_dir=data_dir))
        try:
            hashes = {}
            for topic in report.topics:
                for partition in topic.partitions:
                    # fmt: off
                    argv = ["kcat", "-b", broker.bootstrap, "-C", "-t", topic.topic, "-p", str(partition.partition),
                            "-o", "beginning", "-e", "-q"]
                    # fmt: on
                    values = await asyncio.to_thread(subprocess.check_output, argv, timeout=60)
                    hashes[topic.topic, partition.partition] = hashlib.sha256(values).hexdigest()
            argv = [sys.executable, "-m", "kcon", "-b", broker.bootstrap, "group", "lag", "--output", "json"]
            lag = json.loads(await asyncio.to_thread(subprocess.check_output, argv, timeout=60))
        finally:
            await broker.stop()
        return hashes, lag

    hashes, lag = asyncio.run(work())
    assert hashes == {
        (topic.topic, partition.partition): partition.sha256
        for topic in report.topics
        for partition in topic.partitions
    }
    told = {(item["group"], item["topic"], item["partition"]): item["lag"] for item in lag["items"]}
    assert told == {(group.group, row.topic, row.partition): row.lag for group in report.groups for row in group.rows}


def test_a_second_run_on_the_folder_goes_on(finished: tuple[DemoReport, Path]) -> None:
    """Without writing the past again, and checking only its own records."""
    first, data_dir = finished
    second = run_demo(data_dir, 1.5)
    assert second.problems == ()
    before = {(topic.topic, part.partition): part.end_offset for topic in first.topics for part in topic.partitions}
    after = {(topic.topic, part.partition): part.start_offset for topic in second.topics for part in topic.partitions}
    assert after == before


def test_one_lost_record_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOSE_RECORD_VARIABLE, "1")
    report = run_demo(tmp_path / "data", 3.0)
    assert not report.ok
    assert len(report.problems) == 1
    assert report.problems[0].startswith("flights/")


def test_the_report_prints_the_same_as_text_and_json(finished: tuple[DemoReport, Path]) -> None:
    report, _ = finished
    document = json.loads(json.dumps(report.document()))
    assert document["ok"] is True
    text = "\n".join(report.lines())
    for topic in document["topics"]:
        assert f"{topic['topic']:<14}{topic['records']:>10,}" in text
