"""The parser answers any bytes with its one typed error: a short tier of `python -m tests.hostile --only parser`."""

import random

import pytest

from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.schema import WireError
from tests.hostile.mutations import mutate
from tests.hostile.parser_fuzz import ParserFuzz, Tally, peak_rss_bytes, table, warm_up

FRAMES = 30_000
RSS_GROWTH_BYTES_MAX = 64 << 20


def test_mutated_frames_of_every_api_end_in_the_typed_error() -> None:
    """At least half of them reach the decoder of a body, and none takes much memory."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    warm_up()
    before = peak_rss_bytes()
    tally = Tally()
    ParserFuzz(seed).run(FRAMES, tally)
    print(table(tally))
    assert tally.failures == []
    assert tally.reached_total >= tally.frames / 2
    assert tally.decoded.total() > 0
    assert tally.batches_valid > 0
    assert len(tally.reached) > 0.8 * len(API_TABLE)
    assert peak_rss_bytes() - before < RSS_GROWTH_BYTES_MAX


def test_the_fuzz_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that lets another exception out is found."""
    metadata = API_TABLE[3].request_class

    def decode(*_: object) -> object:
        raise IndexError

    monkeypatch.setattr(metadata, "decode", decode)
    tally = Tally()
    ParserFuzz(1).run(20_000, tally)
    assert any("IndexError" in failure for failure in tally.failures)


def test_mutations_are_the_same_for_the_same_seed() -> None:
    frames = [mutate(random.Random(seed), bytes(range(60)), 20) for seed in range(50)]
    assert frames == [mutate(random.Random(seed), bytes(range(60)), 20) for seed in range(50)]
    assert len(set(frames)) > 30


@pytest.mark.parametrize("key", API_TABLE)
def test_a_body_of_ff_or_00_is_refused_or_read(key: int) -> None:
    """Every length at once is -1 or 0, every varint without an end."""
    request_class = API_TABLE[key].request_class
    for version in range(API_TABLE[key].min_version, API_TABLE[key].max_version + 1):
        for byte in (b"\xff", b"\x00", b"\x7f", b"\x80"):
            for size in (0, 1, 7, 300):
                try:
                    request_class.decode(memoryview(byte * size), 0, version)
                except WireError:
                    continue
