"""Which syncs run side by side, and which must not? The disk is as slow here as a test wants it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from kcon_broker.server import commit
from kcon_broker.server.server import BrokerServer
from kcon_broker.server.sync import Errors
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.storage.files import Syncable
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.produce import ProduceResponse
from tests.kcon_broker.raw_client import RawClient, batch, produce, produce_request

_SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=8),))
_VERSION = 9
_DEADLINE_S = 20.0


class SlowDisk:
    """Syncs that end when the test says so."""

    def __init__(self, broker: InProcessBroker) -> None:
        self._broker = broker
        self._changed = threading.Condition()
        self._begun: list[tuple[list[Syncable], Callable[[Errors], None]]] = []
        self.ended: set[int] = set()
        broker.call(self._install)

    def _install(self, server: BrokerServer) -> None:
        engine = server._engine
        assert engine is not None
        self._begin = engine.begin
        engine.begin = self.begin  # type: ignore[method-assign]  # What a slow disk does.
        server.committer.is_only_one_waiting = lambda: False

    def begin(self, files: Iterable[Syncable], on_end: Callable[[Errors], None]) -> None:
        with self._changed:
            self._begun.append((list(files), on_end))
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Wait until so many syncs have begun in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._begun) >= count, _DEADLINE_S)

    def wait_for_unsynced(self, count: int) -> None:
        """Wait until so many partitions wait for their sync to begin; what was sent is with the broker already."""
        for _ in range(100_000):
            if self._broker.call(lambda server: len(server.committer._unsynced)) == count:
                return
        raise AssertionError("the requests were not handled")

    def paths(self, number: int) -> list[str]:
        """Return which files a sync is about."""
        return [file.path for file in self._begun[number][0]]

    @property
    def count(self) -> int:
        """How many syncs have begun, once all that arrived has been handled."""
        return self._broker.call(lambda _: len(self._begun))

    def end(self, number: int) -> None:
        """Let a sync end well."""
        files, on_end = self._begun[number]
        self.ended.add(number)
        self._broker.call(lambda _: self._begin(files, on_end))

    def end_all(self) -> None:
        """Hold up nothing any more."""

        def let_go(server: BrokerServer) -> None:
            assert server._engine is not None
            server._engine.begin = self._begin  # type: ignore[method-assign]  # As it was.

        self._broker.call(let_go)
        for number in range(self.count):
            if number not in self.ended:
                self.end(number)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    monkeypatch.setattr(commit, "SLOW_SYNC_S", 0.0)
    with InProcessBroker(files=MemoryFiles(), settings=_SETTINGS) as broker:
        with RawClient(broker.bootstrap) as client:
            for partition in range(8):
                assert produce(client, "t", batch(b"first"), partition=partition).error_code == ErrorCode.NONE
        slow = SlowDisk(broker)
        try:
            yield slow
        finally:
            slow.end_all()


def ask(client: RawClient, partition: int) -> None:
    client.send(produce_request("t", batch(b"more"), partition=partition), _VERSION)


def answer(client: RawClient) -> int:
    _, response = client.receive(ProduceResponse, _VERSION)
    return response.responses[0].partition_responses[0].error_code


def connect(disk: SlowDisk) -> RawClient:
    return RawClient(disk._broker.bootstrap)


def test_slow_sync_of_one_partition_holds_up_no_other(disk: SlowDisk) -> None:
    with connect(disk) as slow, connect(disk) as quick:
        ask(slow, 0)
        disk.wait_for(1)
        for number in (1, 2):
            ask(quick, number)
            disk.wait_for(number + 1)
            assert all(path.startswith(f"t-{number}/") for path in disk.paths(number))
            disk.end(number)
            assert answer(quick) == ErrorCode.NONE
        disk.end(0)
        assert answer(slow) == ErrorCode.NONE


def test_no_file_is_in_two_syncs(disk: SlowDisk) -> None:
    """The kernel tells an error of a file to one of them only."""
    with connect(disk) as first, connect(disk) as second, connect(disk) as other:
        ask(first, 0)
        disk.wait_for(1)
        ask(second, 0)
        ask(other, 1)
        disk.wait_for(2)
        disk.end(1)
        assert answer(other) == ErrorCode.NONE
        assert disk.count == 2, "the second record of the partition waits for the sync of the first"
        disk.end(0)
        assert answer(first) == ErrorCode.NONE
        disk.wait_for(3)
        disk.end(2)
        assert answer(second) == ErrorCode.NONE


def test_no_sync_begins_beside_one_of_the_metadata_log(disk: SlowDisk) -> None:
    """A record must not be durable before its topic is."""
    topic = CreatableTopic(name="new", num_partitions=1, replication_factor=1)
    with connect(disk) as creating, connect(disk) as client:
        creating.send(CreateTopicsRequest(topics=[topic]), 5)
        disk.wait_for(1)
        client.send(produce_request("new", batch(b"x")), _VERSION)
        ask(client, 3)
        assert disk.count == 1
        disk.end(0)
        assert creating.receive(CreateTopicsResponse, 5)[1].topics[0].error_code == ErrorCode.NONE
        disk.wait_for(2)
        disk.end(1)
        assert [answer(client), answer(client)] == [ErrorCode.NONE] * 2


def test_sync_takes_a_change_of_the_metadata_log_along(disk: SlowDisk) -> None:
    topic = CreatableTopic(name="new", num_partitions=1, replication_factor=1)
    with connect(disk) as slow, connect(disk) as creating:
        ask(slow, 0)
        disk.wait_for(1)
        creating.send(CreateTopicsRequest(topics=[topic]), 5)
        disk.wait_for(2)
        assert any(path.startswith("__cluster_metadata") or "metadata" in path for path in disk.paths(1))


@pytest.mark.parametrize("count", [commit.SYNCS_MAX - 1, commit.SYNCS_MAX, commit.SYNCS_MAX + 1])
def test_so_many_syncs_run_at_once_and_the_rest_goes_together(disk: SlowDisk, count: int) -> None:
    clients = [connect(disk) for _ in range(count + 1)]
    try:
        for number, client in enumerate(clients[:count]):
            ask(client, number)
            disk.wait_for(min(number + 1, commit.SYNCS_MAX))
        ask(clients[count], count)
        if count >= commit.SYNCS_MAX:
            disk.wait_for_unsynced(count + 1 - commit.SYNCS_MAX)
            assert disk.count == commit.SYNCS_MAX
            disk.end(0)
            disk.wait_for(commit.SYNCS_MAX + 1)
            waited = {path.partition("/")[0] for path in disk.paths(commit.SYNCS_MAX)}
            assert waited == {f"t-{number}" for number in range(commit.SYNCS_MAX, count + 1)}
        disk.end_all()
        assert [answer(client) for client in clients] == [ErrorCode.NONE] * len(clients)
    finally:
        for client in clients:
            client.__exit__(None, None, None)


def test_sync_that_is_not_slow_yet_is_waited_for(disk: SlowDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what many clients write goes together."""
    monkeypatch.setattr(commit, "SLOW_SYNC_S", 3_600.0)
    with connect(disk) as first, connect(disk) as second, connect(disk) as third:
        ask(first, 0)
        disk.wait_for(1)
        ask(second, 1)
        ask(third, 2)
        assert disk.count == 1
        disk.end(0)
        disk.wait_for(2)
        assert {path.partition("/")[0] for path in disk.paths(1)} <= {"t-1", "t-2"}
        disk.end_all()
        assert [answer(client) for client in (first, second, third)] == [ErrorCode.NONE] * 3


def test_sync_that_becomes_slow_is_waited_for_no_longer(disk: SlowDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "SLOW_SYNC_S", 0.05)
    with connect(disk) as first, connect(disk) as second:
        ask(first, 0)
        disk.wait_for(1)
        ask(second, 1)
        disk.wait_for(2)
        disk.end(1)
        assert answer(second) == ErrorCode.NONE
        disk.end(0)
        assert answer(first) == ErrorCode.NONE


def syncs_here(broker: InProcessBroker) -> list[str]:
    """Note the files that the loop syncs itself."""
    noted: list[str] = []

    def install(server: BrokerServer) -> None:
        engine = server._engine
        assert engine is not None
        sync_here = engine.sync_here

        def note(file: Syncable) -> Errors:
            noted.append(file.path)
            return sync_here(file)

        engine.sync_here = note  # type: ignore[method-assign]  # Only looks.

    broker.call(install)
    return noted


def test_single_client_with_a_single_request_is_synced_for_by_the_loop() -> None:
    with InProcessBroker(files=MemoryFiles(), settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"first")).error_code == ErrorCode.NONE
        noted = syncs_here(broker)
        assert produce(client, "t", batch(b"one file")).error_code == ErrorCode.NONE
        assert len(noted) == 1
        assert produce(client, "t", batch(b"answered when written"), acks=1).error_code == ErrorCode.NONE
        assert len(noted) == 1
        with RawClient(broker.bootstrap) as other:
            assert produce(other, "t", batch(b"x"), acks=1).error_code == ErrorCode.NONE
            assert produce(client, "t", batch(b"somebody else is there")).error_code == ErrorCode.NONE
            assert len(noted) == 1


def test_after_a_slow_sync_the_loop_leaves_them_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "_SLOW_HERE_S", -1.0)
    monkeypatch.setattr(commit, "_NOT_HERE_TIMES", 1e12)
    with InProcessBroker(files=MemoryFiles(), settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"first")).error_code == ErrorCode.NONE
        noted = syncs_here(broker)
        for _ in range(3):
            assert produce(client, "t", batch(b"more")).error_code == ErrorCode.NONE
        assert len(noted) == 1


def test_failed_sync_by_the_loop_fences_the_partition() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"first")).error_code == ErrorCode.NONE
        noted = syncs_here(broker)
        files.faults.sync_errors["t-0/"] = 5
        assert produce(client, "t", batch(b"lost")).error_code == ErrorCode.KAFKA_STORAGE_ERROR
        assert len(noted) == 1
        files.faults.sync_errors.clear()
        assert produce(client, "t", batch(b"later")).error_code == ErrorCode.KAFKA_STORAGE_ERROR
