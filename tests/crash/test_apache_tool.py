"""Apache Kafka's own tool reads what the laboratory leaves, and would say so if it could not."""

import random
from pathlib import Path

import pytest

from tests.crash.apache_tool import dump, files_of_partitions
from tests.crash.disk_faults import FAULTS, run_disk_faults
from tests.crash.scenarios import run_failpoints

pytestmark = [pytest.mark.java, pytest.mark.slow, pytest.mark.timeout(300)]


_DAMAGES = ((".log", 70), (".timeindex", 7), (".snapshot", 9), (".index", 7))
"""A byte of a file of each kind."""


def test_dump_log_segments_reads_every_file_that_crashes_leave(apache_classpath: str, tmp_path: Path) -> None:
    """Segments, indexes, transaction indexes and snapshots, after crashes at steps of everything that writes them."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    assert run_failpoints(tmp_path / "points", 1, seed).failures == []
    assert run_disk_faults(tmp_path / "faults", len(FAULTS), seed).failures == []
    files = files_of_partitions(tmp_path)
    assert {path.suffix for path in files} == {".log", ".index", ".timeindex", ".txnindex", ".snapshot"}
    assert dump(apache_classpath, tmp_path) == (len(files), [])


def test_a_damaged_file_of_each_kind_is_complained_about(apache_classpath: str, tmp_path: Path) -> None:
    """One bit of one each, on different disks: a check that finds nothing wrong has looked."""
    run_failpoints(tmp_path, 1, 7)
    for disk, (suffix, position) in zip(sorted(tmp_path.iterdir()), _DAMAGES, strict=False):
        path = next(path for path in files_of_partitions(disk) if path.suffix == suffix)
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        path.write_bytes(content)
        _, complaints = dump(apache_classpath, disk)
        assert complaints, path
