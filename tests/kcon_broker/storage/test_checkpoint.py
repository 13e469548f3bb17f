"""Offsets of partitions come back, and one flipped bit makes the file worthless rather than wrong."""

import errno

import pytest

from kcon_broker.storage.checkpoint import RECOVERY_POINTS, OffsetCheckpoint, decode_offsets, encode_offsets
from kcon_broker.storage.memory_files import Crashed, MemoryFiles
from kcon_broker.storage.steps import run_at_once

OFFSETS = {("a-topic", 0): 5, ("a-topic", 11): 0, ("b", 0): 1 << 40}


def test_offsets_come_back() -> None:
    assert decode_offsets(encode_offsets(OFFSETS)) == OFFSETS
    assert decode_offsets(encode_offsets({})) == {}


def test_any_damage_makes_it_worthless() -> None:
    content = encode_offsets(OFFSETS)
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1
        assert decode_offsets(bytes(flipped)) is None
        assert decode_offsets(content[:position]) is None


def test_a_write_by_steps_is_durable_at_its_end() -> None:
    files = MemoryFiles()
    checkpoint = OffsetCheckpoint(files, RECOVERY_POINTS)
    checkpoint.offsets["t", 0] = 5
    run_at_once(checkpoint.write_steps())
    assert checkpoint.written == {("t", 0): 5}
    assert [step.kind for step in files.journal][-2:] == ["rename", "sync_folder"]
    assert OffsetCheckpoint(files.copy(), RECOVERY_POINTS).offsets == {("t", 0): 5}
    journal = len(files.journal)
    run_at_once(checkpoint.write_steps())
    assert len(files.journal) == journal


def test_a_write_by_steps_gives_way_to_one_that_came_later() -> None:
    """The older offsets must not replace the newer ones, wherever the two meet."""
    for meets_at in range(10):
        files = MemoryFiles()
        checkpoint = OffsetCheckpoint(files, RECOVERY_POINTS)
        checkpoint.offsets["t", 0] = 5
        steps = checkpoint.write_steps()
        result: object = None
        is_done = False
        for number in range(12):
            if number == meets_at:
                checkpoint.offsets["t", 0] = 9
                checkpoint.write()
            if is_done:
                continue
            try:
                work = steps.send(result)
                result = None if work is None else work()
            except StopIteration:
                is_done = True
        assert is_done
        assert OffsetCheckpoint(files, RECOVERY_POINTS).offsets == checkpoint.written == {("t", 0): 9}
        assert files.paths() == [RECOVERY_POINTS]


def test_a_crash_at_any_step_leaves_the_old_offsets_or_the_new() -> None:
    stop_at = 0
    found = set()
    while True:
        files = MemoryFiles()
        checkpoint = OffsetCheckpoint(files, RECOVERY_POINTS)
        checkpoint.offsets["t", 0] = 5
        checkpoint.write()
        checkpoint.offsets["t", 0] = 6
        files.faults.crash_after_steps = len(files.journal) + stop_at
        try:
            run_at_once(checkpoint.write_steps())
        except Crashed:
            found.add(OffsetCheckpoint(files.copy(), RECOVERY_POINTS).offsets["t", 0])
            stop_at += 1
            continue
        break
    assert stop_at > 4
    assert found == {5, 6}


@pytest.mark.parametrize("fault", ["write_errors", "sync_errors"])
def test_a_failure_leaves_the_old_offsets_and_no_file(fault: str) -> None:
    files = MemoryFiles()
    checkpoint = OffsetCheckpoint(files, RECOVERY_POINTS)
    checkpoint.offsets["t", 0] = 5
    checkpoint.write()
    checkpoint.offsets["t", 0] = 6
    getattr(files.faults, fault)[".next"] = errno.EIO
    with pytest.raises(OSError, match="EIO"):
        run_at_once(checkpoint.write_steps())
    getattr(files.faults, fault).clear()
    assert files.paths() == [RECOVERY_POINTS]
    assert OffsetCheckpoint(files, RECOVERY_POINTS).offsets == {("t", 0): 5}
    run_at_once(checkpoint.write_steps())
    assert OffsetCheckpoint(files, RECOVERY_POINTS).offsets == {("t", 0): 6}
