"""One flipped bit anywhere in a data folder: a short tier of `python -m tests.crash --only "bit flips"`."""

import random

import pytest

from kcon_broker.storage import snapshots
from kcon_broker.storage.transaction_index import AbortedTransaction
from tests.crash.bit_flips import Flips, run_flips

FLIPS = 1_500
KINDS = {
    "log",
    "index",
    "timeindex",
    "txnindex",
    "snapshot",
    "leader-epoch-checkpoint",
    "partition.metadata",
    "meta.json",
    "copy",
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
}


def test_a_flipped_bit_stops_no_start_and_serves_nothing_wrong() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    flips = Flips()
    run_flips(FLIPS, seed, flips)
    print(flips.kinds, flips.outcomes)
    assert flips.wrong == []
    assert {kind.removeprefix("meta.json.") for kind in flips.kinds} >= KINDS
    assert len(flips.outcomes) >= 4


def test_the_flips_have_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that believes a transaction index without its sum is found."""

    def believe(content: bytes, wanted: object) -> list[AbortedTransaction]:
        import struct

        entry = struct.Struct(">hqqqq")
        whole = content[: len(content) // entry.size * entry.size]
        return [AbortedTransaction(*fields[1:]) for fields in entry.iter_unpack(whole)]

    monkeypatch.setattr(snapshots, "decode_transaction_index", believe)
    flips = Flips()
    run_flips(1_500, 1, flips)
    assert any("txnindex" in text and "aborted" in text for text in flips.wrong)
