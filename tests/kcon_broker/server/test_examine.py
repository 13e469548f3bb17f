"""The examination says what the next start does, of folders of both brokers, and changes no byte of them."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer

from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster
from kcon_broker.errors import FolderUnreadableError
from kcon_broker.server.examine import FolderExamination, Origin, PartitionFindings, Verdict
from kcon_broker.server.housekeeping import Housekeeping
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker

SETTINGS = BrokerSettings(
    data_dir=Path(),
    port=0,
    seed_topics=(SeedTopic(name="t", partitions=2),),
    topic_config_defaults=(("segment.bytes", "1048576"),),
)


@pytest.fixture(autouse=True)
def only_a_stop_writes_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is below a checkpoint is damaged where it is torn, not cut: whether one is written must not be chance."""
    monkeypatch.setattr(Housekeeping, "checkpoint_soon", lambda _self: None)


def fill(bootstrap: str, records: int = 3_000) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 0, "acks": "all"})
    for number in range(records):
        producer.produce("t", b"%d" % number * 200, key=b"key", partition=0)
    assert producer.flush(60) == 0


def live(folder: Path, end: Callable[[InProcessBroker], None]) -> None:
    broker = InProcessBroker(folder, settings=SETTINGS)
    broker.start()
    fill(broker.bootstrap)
    end(broker)


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def examine(folder: Path) -> PartitionFindings:
    """Return what is found of t-0; the folder must stay as it is."""
    before = fingerprint(folder)
    found = {(each.topic, each.partition): each for each in FolderExamination(folder).partitions()}
    assert fingerprint(folder) == before
    return found["t", 0]


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "t-0").glob("*.log"))


def start_again(folder: Path) -> tuple[int, int]:
    """Return the log start and end that the next start really has."""
    with InProcessBroker(folder, settings=SETTINGS) as broker:

        def bounds(server: object) -> tuple[int, int]:
            from kcon_broker.server.server import BrokerServer

            assert isinstance(server, BrokerServer)
            partition = server.broker.topics.by_name["t"].partition(0)
            assert partition is not None
            log = server.broker.log_of(partition)
            assert log is not None
            return log.log_start_offset, log.log_end_offset

        return broker.call(bounds)


def test_after_a_clean_stop_all_is_sound(tmp_path: Path) -> None:
    live(tmp_path, InProcessBroker.stop)
    examination = FolderExamination(tmp_path)
    assert (examination.findings.origin, examination.findings.is_clean) == (Origin.KCON, True)
    assert not examination.findings.is_in_use
    found = examine(tmp_path)
    assert (found.verdict, found.actions, found.end_offset) == (Verdict.SOUND, (), 3_000)
    assert found.segments > 1
    assert found.size_bytes == sum(path.stat().st_size for path in segments(tmp_path))


def test_after_a_kill_everything_is_walked(tmp_path: Path) -> None:
    live(tmp_path, InProcessBroker.kill)
    found = examine(tmp_path)
    assert (found.verdict, found.end_offset) == (Verdict.RECOVERED, 3_000)
    assert "every batch is checked" in found.actions[0]
    assert start_again(tmp_path) == (found.start_offset, found.end_offset)


def test_a_torn_end_will_be_cut(tmp_path: Path) -> None:
    live(tmp_path, InProcessBroker.kill)
    torn = segments(tmp_path)[-1]
    torn.write_bytes(torn.read_bytes()[:-5])
    found = examine(tmp_path)
    assert found.verdict is Verdict.CUT
    assert found.end_offset < 3_000
    assert f"{torn.parent.name}/{torn.name} was cut" in " ".join(found.actions)
    assert start_again(tmp_path) == (found.start_offset, found.end_offset)


def test_a_flipped_bit_in_a_sealed_segment_is_found_after_a_clean_stop(tmp_path: Path) -> None:
    """The next start would not look there; a reader would meet it."""
    live(tmp_path, InProcessBroker.stop)
    path = segments(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[1_000] ^= 0x10
    path.write_bytes(content)
    found = examine(tmp_path)
    assert found.verdict is Verdict.DAMAGED
    assert f"{path.parent.name}/{path.name} is damaged" in " ".join(found.actions)


def test_leftovers_of_a_compaction_are_told(tmp_path: Path) -> None:
    live(tmp_path, InProcessBroker.stop)
    first = segments(tmp_path)[0]
    first.rename(first.with_suffix(".log.swap"))
    (tmp_path / "t-0" / f"{9:020d}.log.deleted").write_bytes(b"x")
    found = examine(tmp_path)
    assert "1 file(s) of a finished compaction are put in place" in found.actions
    assert "1 deleted file(s) are removed" in found.actions
    assert found.end_offset == 3_000
    assert start_again(tmp_path) == (0, 3_000)


def test_a_folder_in_use_is_told(tmp_path: Path) -> None:
    with InProcessBroker(tmp_path, settings=replace(SETTINGS)) as broker:
        fill(broker.bootstrap, 10)
        assert FolderExamination(tmp_path).findings.is_in_use


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    live(tmp_path, InProcessBroker.stop)
    path = tmp_path / "recovery-point-offset-checkpoint"
    path.write_bytes(path.read_bytes().replace(b" 3000", b" 3001"))
    assert FolderExamination(tmp_path).findings.notes == (
        "recovery-point-offset-checkpoint is damaged and would not be used",
    )


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderUnreadableError):
        FolderExamination(tmp_path)


@pytest.mark.java
@pytest.mark.xdist_group("java")
def test_a_folder_of_apache_kafka_is_understood(apache_classpath: str, tmp_path: Path) -> None:
    """Killed, whole; then with the end of a segment torn off; then with a flipped bit."""
    options = LocalClusterOptions(data_dir=tmp_path, dies_with_parent=True)
    node = asyncio.run(start_local_cluster(apache_classpath, options))
    try:
        fill(node.bootstrap)
    finally:
        asyncio.run(node.stop(grace_s=0))
    data = tmp_path / "data"
    examination = FolderExamination(data)
    assert (examination.findings.origin, examination.findings.is_clean) == (Origin.APACHE, False)
    found = examine(data)
    assert (found.verdict, found.end_offset) == (Verdict.RECOVERED, 3_000)
    path = segments(data)[-1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    found = examine(data)
    assert found.verdict is Verdict.CUT
    assert 0 < found.end_offset < 3_000
    path.write_bytes(whole)
    point = data / "recovery-point-offset-checkpoint"
    point.write_text("0\n1\nt 0 3000\n")
    path.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    assert examine(data).verdict is Verdict.DAMAGED
