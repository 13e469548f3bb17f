"""A transaction whose beginning a crash took from the coordinator: nothing of it may count as written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.storage.log_reader import split_batches
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from tests.kcon_broker.handlers.test_transactions import Writer, fetch
from tests.kcon_broker.raw_client import RawClient

_SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),))
_TRIES_MAX = 2_000
_V2 = 12
"""Produce from here on begins the transaction by itself, in the round that writes the batch (KIP-890)."""


def forget_the_beginning(folder: Path) -> None:
    """Take the newest record from `__transaction_state`, as a crash between two files may."""
    (path,) = [path for path in folder.glob("__transaction_state-*/*.log") if path.stat().st_size]
    content = path.read_bytes()
    newest = split_batches([memoryview(content)])[-1]
    path.write_bytes(content[: -len(newest)])


@contextmanager
def started(folder: Path, writer: Writer) -> Iterator[None]:
    """Start again, and let the producer connect to send what it got no answer for."""
    with InProcessBroker(folder, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as writer.client:
        writer.sequence = 0
        yield


@pytest.fixture
def crashed(tmp_path: Path) -> tuple[Path, Writer]:
    """Return a folder with a batch of a transaction that nobody knows of, and its producer, who got no answer."""
    broker = InProcessBroker(tmp_path, settings=_SETTINGS)
    broker.start()
    with RawClient(broker.bootstrap) as client:
        writer = Writer(client)
        assert writer.produce(_V2) == ErrorCode.NONE
    broker.kill()
    forget_the_beginning(tmp_path)
    return tmp_path, writer


def test_a_batch_that_was_aborted_as_an_orphan_is_not_taken_for_a_duplicate(crashed: tuple[Path, Writer]) -> None:
    """The producer would commit what no reader ever sees."""
    folder, writer = crashed
    with started(folder, writer):
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


def test_the_batch_sent_again_as_the_first_touch_does_not_join_the_orphan(crashed: tuple[Path, Writer]) -> None:
    """The log is opened by the very request that would be taken for a duplicate of what is about to be aborted."""
    folder, writer = crashed
    with started(folder, writer):
        assert writer.produce(_V2) == ErrorCode.INVALID_PRODUCER_EPOCH
