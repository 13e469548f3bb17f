"""Apache Kafka's own tool reads our files and finds nothing to complain about."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kcon_broker.batch.records import Record, encode_batch, iter_records
from kcon_broker.server.os_files import OsFiles
from kcon_broker.storage.compaction import compact_log
from kcon_broker.storage.compaction_plan import plan_compaction
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.steps import run_at_once
from tests.kcon_broker.storage.batches import TOPIC_ID, make_batch

pytestmark = [pytest.mark.java, pytest.mark.xdist_group("java")]
BATCHES = 60
COMPLAINTS = ("mismatch", "out of order", "could not", "not found", "corrupt", "exception")
Dump = Callable[..., str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted(DefaultLogSettings):
    """The settings of a compacted topic."""

    min_cleanable_dirty_ratio: float = 0.0
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = 1 << 62
    delete_retention_ms: int = 86_400_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a partition's folder of several segments, all codecs, and a snapshot of producers."""
    root = tmp_path_factory.mktemp("data")
    files = OsFiles(root, open_files_max=64)
    settings = DefaultLogSettings(segment_bytes=20_000, index_interval_bytes=1_000)
    log = Log.open(files, "t-0", settings=settings, leader_epoch=3, topic_id=TOPIC_ID)
    for number in range(BATCHES):
        batch = make_batch(
            4,
            size=200,
            seed=number,
            codec=number % 5,
            timestamp_ms=1_700_000_000_000 + (number * 37 % 50) * 1_000,
            producer_id=9,
            base_sequence=4 * number,
        )
        log.append(batch, now_ms=0)
        log.write_pending()
    for file in log.dirty_files():
        file.sync()
    log.mark_durable(log.written_offset)
    log.write_producer_snapshot([ProducerSnapshot(9, 0, 4 * BATCHES - 1, 4 * BATCHES - 1, 3, 1_700_000_000_000)])
    log.close()
    files.close()
    return root / "t-0"


@pytest.fixture(scope="module")
def dump(apache_classpath: str) -> Dump:
    """Return a function that runs DumpLogSegments on files."""

    def run(*paths: Path, flags: tuple[str, ...] = ()) -> str:
        names = ",".join(map(str, paths))
        done = subprocess.run(
            ["java", "-cp", apache_classpath, "org.apache.kafka.tools.DumpLogSegments", *flags, "--files", names],
            check=False,
            capture_output=True,
            text=True,
            timeout=100,
        )
        return done.stdout + done.stderr

    return run


def test_a_compacted_log_is_read(tmp_path: Path, dump: Dump) -> None:
    """Batches with gaps, a delete horizon, and none of their records, in segments that were merged."""
    files = OsFiles(tmp_path, open_files_max=64)
    settings = Compacted(segment_bytes=5_000, index_interval_bytes=500)
    log = Log.open(files, "t-0", settings=settings, leader_epoch=3, topic_id=TOPIC_ID)
    for number in range(BATCHES):
        value = None if number % 7 == 0 else b"x" * 200
        records = [Record(0, 1_700_000_000_000, b"k%d" % (number % 13 + key), value) for key in range(3)]
        log.append(encode_batch(records, codec=number % 5), now_ms=0)
        log.write_pending()
    for file in log.dirty_files():
        file.sync()
    log.mark_durable(log.written_offset)
    plan = plan_compaction(
        log.segments,
        settings,
        cleaned_offset=0,
        log_start_offset=0,
        limit_offset=log.durable_offset,
        now_ms=0,
        load_indexes=log.load_indexes,
    )
    assert plan is not None
    producers = [ProducerSnapshot(-1, 0, 0, 0, 0, 0)]
    done = run_at_once(compact_log(files, log, plan, settings, keys_max=100, producers=producers, now_ms=1))
    assert done.bytes_after < done.bytes_before / 2
    for path in done.deleted_paths:
        files.remove(path)
    log.close()
    kept = [record.offset for batch in log.read_batches(0, limit_offset=1 << 40) for record in iter_records(batch)]
    files.close()
    segments = sorted((tmp_path / "t-0").glob("*.log"))
    shown = dump(*segments, flags=("--print-data-log", "--deep-iteration"))
    assert [int(line.split()[2]) for line in shown.splitlines() if line.startswith("| offset: ")] == kept
    assert "deleteHorizonMs: OptionalLong[86400001]" in shown
    assert not [word for word in COMPLAINTS if word in shown.lower()]
    shown = dump(*sorted((tmp_path / "t-0").glob("*index")), flags=("--index-sanity-check",))
    assert not [word for word in COMPLAINTS if word in shown.lower()], shown


def test_every_record_of_every_segment_is_read(folder: Path, dump: Dump) -> None:
    segments = sorted(folder.glob("*.log"))
    assert len(segments) > 1
    shown = dump(*segments, flags=("--print-data-log", "--deep-iteration"))
    records = [line for line in shown.splitlines() if line.startswith("| offset: ")]
    assert [int(line.split()[2]) for line in records] == list(range(4 * BATCHES))
    headers = [line for line in shown.splitlines() if line.startswith("baseOffset: ")]
    assert len(headers) == BATCHES
    assert all(" isvalid: true" in line and " partitionLeaderEpoch: 3 " in line for line in headers)
    assert "Found non-consecutive offsets" not in shown


def test_the_indexes_agree_with_the_log(folder: Path, dump: Dump) -> None:
    """The tool looks every entry up in the log and lists those that do not fit."""
    indexes = sorted(folder.glob("*.index"))
    times = sorted(folder.glob("*.timeindex"))
    assert len(indexes) == len(times) == len(list(folder.glob("*.log")))
    shown = dump(*indexes, *times)
    assert shown.count("offset: ") > 10
    assert shown.count("timestamp: ") > 3
    assert not [word for word in COMPLAINTS if word in shown.lower()]
    # The tool does complain: the same entry with another position is found.
    entry = bytearray(indexes[0].read_bytes())
    entry[7] ^= 1
    lying = folder / "lying"
    lying.mkdir()
    (lying / indexes[0].name).write_bytes(entry)
    (lying / indexes[0].with_suffix(".log").name).write_bytes(indexes[0].with_suffix(".log").read_bytes())
    assert [word for word in COMPLAINTS if word in dump(lying / indexes[0].name).lower()]


def test_the_snapshot_of_producers_is_read(folder: Path, dump: Dump) -> None:
    shown = dump(*folder.glob("*.snapshot"))
    assert "producerId: 9 producerEpoch: 0" in shown
    assert f"lastSequence: {4 * BATCHES - 1}" in shown
