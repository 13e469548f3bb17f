"""What is not in memory is read by a thread, and answered all the same."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from kcon_broker.server import os_files
from kcon_broker.server.cold_reads import read_ahead
from kcon_broker.server.os_files import OsFiles
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.storage.files import File, WouldBlockError
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from tests.kcon_broker.raw_client import RawClient, batch, produce

SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=2),))
CONTENT = os.urandom(300_000)


class AlwaysCold(set[str]):
    """Parts of paths of files that memory is too short to keep."""

    def difference_update(self, *others: Iterable[object]) -> None:
        """Forget nothing."""


def fetched(client: RawClient) -> list[bytes]:
    """Fetch both partitions from their start with one request."""
    wishes = [FetchPartition(partition=index, fetch_offset=0, partition_max_bytes=1 << 20) for index in (0, 1)]
    request = FetchRequest(max_bytes=1 << 20, topics=[FetchTopic(topic="t", partitions=wishes)])
    answers = client.ask(request, FetchResponse, 11).responses[0].partitions
    assert [answer.error_code for answer in answers] == [0, 0]
    records = [answer.records for answer in answers]
    assert all(isinstance(part, memoryview | bytes) for part in records)
    return [bytes(part) for part in records if isinstance(part, memoryview | bytes)]


@pytest.mark.parametrize("cold", [{".log"}, AlwaysCold({".log"}), AlwaysCold({"t-1/"})])
def test_a_fetch_of_what_is_not_in_memory_is_answered(cold: set[str]) -> None:
    """Both partitions are cold, or one, or the memory never keeps what was read."""
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        for index in (0, 1):
            produce(client, "t", batch(b"value"), partition=index)
        warm = fetched(client)
        files.faults.cold_paths = cold
        assert fetched(client) == warm
        assert all(b"value" in records for records in warm)
        assert not set(cold) or isinstance(cold, AlwaysCold)


def test_a_client_that_leaves_during_a_cold_read_leaves_nothing_behind() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=SETTINGS) as broker:
        with RawClient(broker.bootstrap) as client:
            produce(client, "t", batch(b"value"))
            files.faults.cold_paths = AlwaysCold({".log"})
            wish = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
            client.send(FetchRequest(max_bytes=1 << 20, topics=[FetchTopic(topic="t", partitions=[wish])]), 11)
        with RawClient(broker.bootstrap) as other:
            assert b"value" in fetched(other)[0]


@pytest.mark.parametrize("flags", [os_files._READ_FLAGS, 0])
def test_a_file_that_was_read_ahead_is_read_without_waiting(
    flags: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the kernel's help, and where there is none."""
    monkeypatch.setattr(os_files, "_READ_FLAGS", flags)
    files = OsFiles(tmp_path, open_files_max=8)
    file = files.open("f", create=True)
    file.write([CONTENT], 0)
    file.sync()
    with (tmp_path / "f").open("rb") as other:
        os.posix_fadvise(other.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert read_warm(file, 200_000, 50_000) == CONTENT[50_000:250_000]
    assert read_warm(file, 100_000, 250_000) == CONTENT[250_000:]
    assert read_warm(file, 10, 300_000) == b""
    files.close()


def read_warm(file: File, size: int, position: int) -> bytes:
    """Read as a fetch does: at the second attempt it is there."""
    try:
        return bytes(file.read_now(size, position))
    except WouldBlockError as cold:
        asyncio.run(read_ahead([cold]))
    return bytes(file.read_now(size, position))


def test_a_file_removed_during_a_read_ahead_is_read_to_its_end(tmp_path: Path) -> None:
    """Its descriptor stays open as long as the thread uses it, and no longer."""
    files = OsFiles(tmp_path, open_files_max=8)
    file = files.open("f", create=True)
    file.write([CONTENT], 0)
    read = file.begin_read()
    file.discard()
    files.remove("f")
    assert read(300_000, 0) == CONTENT
    assert files.open_count == 1
    file.end_read()
    assert files.open_count == 0
    files.close()
