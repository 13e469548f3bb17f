"""Does the parser answer any bytes with its one typed error, and with little memory?

Frames go the way that the server sends them: cut out of a stream, header, body, and the batches of Produce. What comes
out is counted per API: how many frames reached the decoder of a body, and what that made of them.
"""

import random
import resource
import struct
import time
from collections import Counter
from dataclasses import dataclass, field

from kcon_broker.batch.validate import BatchRules, validate_batch
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.frames import FrameReader
from kcon_broker.wire.headers import decode_request_header
from kcon_broker.wire.messages.produce import ProduceRequest
from kcon_broker.wire.schema import WireError
from tests.hostile.corpus import VERSIONS, Seed, make_seed
from tests.hostile.mutations import mutate, splice
from tests.kcon_broker.wire.message_maker import MessageMaker

FRAME_BYTES_MAX = 512 * 1024
_SEED_USES = 40
"""Mutations made of one valid frame before another takes its place."""
_SPLICE_SHARE = 0.05
_LYING_SIZE_SHARE = 0.02
_KEY_AND_VERSION = struct.Struct(">hh")
_SIZE = struct.Struct(">i")
_NOW_MS = 1_700_000_000_000


@dataclass(slots=True)
class Tally:
    """What came of the frames."""

    frames: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    """API -> frames that reached its body decoder."""
    decoded: Counter[str] = field(default_factory=Counter)
    """API -> frames that it could read."""
    unframed: int = 0
    """Refused for their size, key, version or header."""
    batches: int = 0
    batches_valid: int = 0
    slowest_ms: float = 0.0
    slowest: str = ""
    failures: list[str] = field(default_factory=list)
    """Exceptions that must not be, with the frame in hex."""

    @property
    def reached_total(self) -> int:
        """Frames that reached a body decoder."""
        return self.reached.total()


class ParserFuzz:
    """One run, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._maker = MessageMaker(seed)
        self._rules = [BatchRules(), BatchRules(mode="header"), BatchRules(is_compacted=True, codec=1)]

    def run(self, count: int, tally: Tally) -> None:
        """Feed so many frames."""
        previous = make_seed(self._maker, *VERSIONS[0])
        for _ in range(0, count, _SEED_USES):
            current = make_seed(self._maker, *self._chance.choice(VERSIONS))
            for _ in range(min(_SEED_USES, count)):
                self._feed(self._stream(current, previous), tally)
            previous = current

    def _stream(self, current: Seed, previous: Seed) -> bytes:
        chance = self._chance
        if chance.random() < _SPLICE_SHARE:
            frame = splice(chance, current.frame, previous.frame)
        else:
            frame = mutate(chance, current.frame, current.header_bytes)
        size = len(frame)
        if chance.random() < _LYING_SIZE_SHARE:
            size = chance.choice((-1, 0, size - 1, size + 1, 2**31 - 1, FRAME_BYTES_MAX + 1))
        return _SIZE.pack(size) + frame

    def _feed(self, stream: bytes, tally: Tally) -> None:
        tally.frames += 1
        began = time.perf_counter()
        try:
            frames = FrameReader(FRAME_BYTES_MAX).feed(stream)
            if not frames:
                tally.unframed += 1
            for frame in frames:
                self._parse(frame, tally)
        except WireError:
            pass
        except Exception as error:
            tally.failures.append(f"{type(error).__name__}: {error}: {stream.hex()}")
        took_ms = (time.perf_counter() - began) * 1_000
        if took_ms > tally.slowest_ms:
            tally.slowest_ms, tally.slowest = took_ms, stream[:64].hex()

    def _parse(self, frame: memoryview, tally: Tally) -> None:
        spec = None
        if len(frame) >= _KEY_AND_VERSION.size:
            key, version = _KEY_AND_VERSION.unpack_from(frame)
            spec = API_TABLE.get(key)
        if spec is None or not spec.min_version <= version <= spec.max_version:
            tally.unframed += 1
            return
        try:
            _, offset = decode_request_header(frame)
        except WireError:
            tally.unframed += 1
            raise
        tally.reached[spec.name] += 1
        request, _ = spec.request_class.decode(frame, offset, version)
        tally.decoded[spec.name] += 1
        if isinstance(request, ProduceRequest):
            self._validate(request, tally)

    def _validate(self, request: ProduceRequest, tally: Tally) -> None:
        for topic in request.topic_data:
            for partition in topic.partition_data:
                tally.batches += 1
                records = partition.records
                judged = validate_batch(records, rules=self._chance.choice(self._rules), now_ms=_NOW_MS)
                tally.batches_valid += hasattr(judged, "batch")


def warm_up() -> None:
    """Compile every decoder, so that what follows is the memory of the frames alone."""
    maker = MessageMaker(0)
    for key, version in VERSIONS:
        seed = make_seed(maker, key, version)
        API_TABLE[key].request_class.decode(memoryview(seed.frame), seed.header_bytes, version)
    for number in range(50):
        tally = Tally()
        ParserFuzz(number).run(_SEED_USES, tally)


def peak_rss_bytes() -> int:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def table(tally: Tally) -> str:
    """Return the counts per API in Markdown."""
    lines = ["| API | reached its decoder | could be read |", "|---|---:|---:|"]
    lines += [f"| {name} | {count:,} | {tally.decoded[name]:,} |" for name, count in sorted(tally.reached.items())]
    share = tally.reached_total / max(1, tally.frames)
    lines.append(
        f"| **{tally.frames:,} frames** | **{tally.reached_total:,} ({share:.0%})** | **{tally.decoded.total():,}** |"
    )
    lines.append(
        f"\n{tally.unframed:,} refused for size, key, version or header; {tally.batches:,} batches of Produce judged,"
        f" {tally.batches_valid:,} fit to append; slowest frame {tally.slowest_ms:.1f} ms;"
        f" {len(tally.failures)} exceptions that must not be."
    )
    return "\n".join(lines)
