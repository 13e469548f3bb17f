"""Batches that lie: built by hand from a payload, and sealed with a CRC that fits."""

import struct

import pytest

from kcon_broker.batch import walk
from kcon_broker.batch.header import HEADER_BYTES, compute_crc
from kcon_broker.batch.records import Record, encode_batch


class BatchBench:
    """Tools to make batches that no producer would send."""

    now_ms = 1_700_000_000_000

    def records(self, count: int = 3, at: int | None = None, key: bytes | None = b"k") -> list[Record]:
        """Return records of a second ago, or of the time given."""
        start = self.now_ms - 1000
        return [Record(0, start + i if at is None else at, key, b"v%d" % i) for i in range(count)]

    def seal(self, batch: bytes | bytearray) -> bytearray:
        """Return the batch with the right CRC."""
        sealed = bytearray(batch)
        struct.pack_into(">I", sealed, 17, compute_crc(sealed))
        return sealed

    def put(self, batch: bytes | bytearray, at: int, code: str, value: int) -> bytearray:
        """Return the batch with one field of its header overwritten and the CRC made right."""
        changed = bytearray(batch)
        struct.pack_into(code, changed, at, value)
        return self.seal(changed)

    def around(self, payload: bytes, count: int, codec: int = 0) -> bytearray:
        """Return a batch with this payload that claims so many records."""
        head = encode_batch(self.records(count))[:HEADER_BYTES]
        struct.pack_into(">i", head, 8, HEADER_BYTES - 12 + len(payload))
        struct.pack_into(">h", head, 21, codec)
        return self.seal(head + payload)


@pytest.fixture(scope="session")
def bench() -> BatchBench:
    """Return the tools."""
    return BatchBench()


@pytest.fixture(params=["exact", "compiled"])
def walker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each of the two walks."""
    monkeypatch.setattr(walk, "_compiled", None)
    if request.param == "compiled":
        assert walk.load_compiled()
    return str(request.param)
