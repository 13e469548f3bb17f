"""Where epochs began and ended is Kafka's answer, and its file is Kafka's file."""

import pytest

from kcon_broker.storage.leader_epochs import LeaderEpochs, decode_leader_epochs


def test_the_end_of_an_epoch_is_the_start_of_the_next_known() -> None:
    epochs = LeaderEpochs([(2, 0), (4, 10), (7, 25)])
    expected = {1: None, 2: (2, 10), 3: (2, 10), 4: (4, 25), 6: (4, 25), 7: (7, 40), 9: (7, 40)}
    assert {epoch: epochs.end_offset_for(epoch, 40) for epoch in expected} == expected


def test_the_epoch_of_an_offset() -> None:
    epochs = LeaderEpochs([(2, 5), (4, 10)])
    assert [epochs.epoch_at(offset) for offset in (4, 5, 9, 10, 99)] == [None, 2, 2, 4, 4]


def test_an_epoch_without_records_never_was() -> None:
    epochs = LeaderEpochs([(2, 0)])
    assert epochs.begin(3, 10)
    assert epochs.begin(4, 10)
    assert not epochs.begin(4, 12)
    assert not epochs.begin(3, 12)
    assert (epochs.epochs, epochs.start_offsets) == ([2, 4], [0, 10])


def test_both_ends_are_cut() -> None:
    epochs = LeaderEpochs([(2, 0), (4, 10), (7, 25)])
    assert epochs.truncate_end(25)
    assert not epochs.truncate_end(25)
    assert epochs.truncate_start(12)
    assert not epochs.truncate_start(12)
    assert (epochs.epochs, epochs.start_offsets) == ([4], [12])


def test_the_file_is_kafkas() -> None:
    epochs = LeaderEpochs([(2, 0), (4, 10)])
    assert epochs.encode() == b"0\n2\n2 0\n4 10\n"
    again = decode_leader_epochs(epochs.encode())
    assert again is not None
    assert (again.epochs, again.start_offsets) == ([2, 4], [0, 10])


@pytest.mark.parametrize(
    "content",
    [b"", b"0\n", b"0\n1\n", b"0\n1\n1 0", b"0\n1\n1 a\n", b"0\n2\n1 0\n1 5\n", b"0\n1\n-1 0\n", b"0\n1\n1 0 0\n"],
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    assert decode_leader_epochs(content) is None
