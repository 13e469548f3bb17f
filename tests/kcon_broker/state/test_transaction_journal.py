"""A transaction whose beginning a crash took from the coordinator: nothing of it may count as written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.storage.log_reader import split_batches
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from tests.kcon_broker.handlers.test_transactions import Writer, fetch
from tests.kcon_broker.raw_client import RawClient

_SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),))
_TRIES_MAX = 100_000
_V2 = 12
"""Produce from here on begins the transaction by itself, in the round that writes the batch (KIP-890)."""


def forget_the_beginning(disk: MemoryFiles) -> None:
    """Take the newest record from `__transaction_state`, as a crash between two files may."""
    logs = [path for path in disk.paths() if path.startswith("__transaction_state-") and path.endswith(".log")]
    (path,) = [path for path in logs if disk.content(path)]
    content = disk.content(path)
    newest = split_batches([memoryview(content)])[-1]
    disk.overwrite(path, content[: -len(newest)])


@contextmanager
def started(disk: MemoryFiles, writer: Writer) -> Iterator[None]:
    """Start again, and let the producer connect to send what it got no answer for."""
    with InProcessBroker(files=disk, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as writer.client:
        writer.sequence = 0
        yield


@pytest.fixture
def crashed() -> tuple[MemoryFiles, Writer]:
    """Return a disk with a batch of a transaction that nobody knows of, and its producer, who got no answer."""
    files = MemoryFiles()
    broker = InProcessBroker(files=files, settings=_SETTINGS)
    broker.start()
    with RawClient(broker.bootstrap) as client:
        writer = Writer(client)
        assert writer.produce(_V2) == ErrorCode.NONE
    broker.kill()
    disk = files.copy()
    forget_the_beginning(disk)
    return disk, writer


def test_a_batch_that_was_aborted_as_an_orphan_is_not_taken_for_a_duplicate(
    crashed: tuple[MemoryFiles, Writer],
) -> None:
    """The producer would commit what no reader ever sees."""
    disk, writer = crashed
    with started(disk, writer):
        for _ in range(_TRIES_MAX):
            # The first touch finds the orphan.
            if fetch(writer.client).last_stable_offset == 2:
                break
        assert writer.produce(_V2) == ErrorCode.INVALID_PRODUCER_EPOCH
        # That ends this transaction only.
        assert writer.end(5, commit=False) == ErrorCode.NONE
        assert writer.produce(_V2) == ErrorCode.NONE
        assert writer.end(5) == ErrorCode.NONE
        writer.wait_until_complete()
        read = fetch(writer.client)
        # Batch and marker of the orphan, the marker of the abort, batch and marker.
        assert (read.last_stable_offset, [each.first_offset for each in read.aborted_transactions or []]) == (5, [0])


def test_the_batch_sent_again_as_the_first_touch_does_not_join_the_orphan(crashed: tuple[MemoryFiles, Writer]) -> None:
    """The log is opened by the very request that would be taken for a duplicate of what is about to be aborted."""
    disk, writer = crashed
    with started(disk, writer):
        assert writer.produce(_V2) == ErrorCode.INVALID_PRODUCER_EPOCH
