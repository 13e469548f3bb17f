"""Where does every partition of the cluster start, or end? ListOffsets for all of them, again and again.

Which leader is asked for what is worked out once for a list of topics; a sweep then sends the same bytes, and reads
the numbers into one list. What goes wrong with a partition is left to `offsets.list_offsets`, which asks anew.
"""

import asyncio
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.connection import Answer
from kcon.admin.decode import Cursor, reading
from kcon.admin.dial import TimedOut
from kcon.admin.fan_out import as_item_error, together
from kcon.admin.offsets import FLEXIBLE_SINCE, encode_end, encode_topics, list_offsets
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
from kcon.admin.schema import entity_type
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.offset_columns import OffsetColumns, PartitionLayout
from kcon.core.offset_query import OffsetBound
from kcon.core.snapshot import NO_BROKER, OffsetAt, TopicInfo
from kcon.errors import KconError, RefusedError


@dataclass(slots=True)
class _Piece:
    """What one request asks one leader."""

    broker_id: int
    indexes: dict[bytes, list[int]] = field(default_factory=dict)
    """Partitions by the bytes of their topic's name."""
    spans: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """The place of each topic's partition 0 and the count of its partitions."""
    count: int = 0
    questions: dict[tuple[int, OffsetBound], bytes] = field(default_factory=dict)
    """The encoded topics, by version and by what is asked."""

    def places(self) -> Iterator[int]:
        """Yield the places that are asked for."""
        for name, indexes in self.indexes.items():
            first, _ = self.spans[name]
            for index in indexes:
                yield first + index


@dataclass(slots=True)
class _Told:
    """What a sweep has brought so far, by place."""

    offsets: list[int | None]
    errors: dict[int, KafkaError] = field(default_factory=dict)
    final: set[int] = field(default_factory=set)
    """Places that shall not be asked for again: their broker did not answer in time."""


class OffsetSweep:
    """Asks for the bounds of all partitions of one cluster. One event loop."""

    def __init__(self, cluster: Cluster, routes: Routes) -> None:
        self._cluster = cluster
        self._routes = routes
        self._planned: tuple[PartitionLayout, list[_Piece]] | None = None
        """How the last list of topics lies in columns, and the requests that ask for it."""

    async def ask(self, topics: Sequence[TopicInfo], bound: OffsetBound, deadline: Deadline) -> OffsetColumns:
        """Return a bound of every partition of the topics, by the leaders that they name."""
        if self._planned is None or self._planned[0].topics != topics:  # The same objects, as long as nothing changed.
            layout = PartitionLayout(topics, self._routes.names)
            # Both at once: who is cancelled in the middle, or comes meanwhile, must not find one without the other.
            self._planned = layout, await self._plan(layout)
        layout, pieces = self._planned
        told = _Told([None] * len(layout.partitions))
        await together(self._ask_one(piece, bound, deadline, told) for piece in pieces)
        if None in told.offsets:
            await self._ask_again(layout, bound, deadline, told)
        return OffsetColumns(layout, told.offsets, told.errors)

    async def _plan(self, layout: PartitionLayout) -> list[_Piece]:
        """Deal the partitions out to requests. What has no leader, or no plain numbering, is in none."""
        size = self._cluster.settings.partitions_per_request_max
        pieces: list[_Piece] = []
        open_pieces: dict[int, _Piece] = {}
        held = 0
        for topic in layout.topics:
            first, end = layout.span(topic.name)
            held += end - first
            if held >= self._cluster.settings.partitions_per_hold_max:
                held = 0
                await asyncio.sleep(0)
            if first == end or layout.partitions[end - 1].partition != end - first - 1:
                continue
            name = topic.name.encode()
            for part in topic.partitions:
                if part.leader_id == NO_BROKER:
                    continue
                piece = open_pieces.get(part.leader_id)
                if piece is None or piece.count >= size:
                    piece = open_pieces[part.leader_id] = _Piece(part.leader_id)
                    pieces.append(piece)
                piece.indexes.setdefault(name, []).append(part.partition)
                piece.spans[name] = (first, end - first)
                piece.count += 1
        return pieces

    async def _ask_one(self, piece: _Piece, bound: OffsetBound, deadline: Deadline, told: _Told) -> None:
        settings = self._cluster.settings
        try:
            oldest = ReadRequest(api=Api.LIST_OFFSETS, version_min=1)
            version = await self._cluster.choose_version(oldest, deadline, piece.broker_id)
            if version < FLEXIBLE_SINCE:
                return
            topics = piece.questions.get((version, bound))
            if topics is None:
                topics = piece.questions[version, bound] = encode_topics(
                    version, piece.indexes, code=bound.value, read_committed=False
                )
            body = topics + encode_end(version, int(deadline.left_ms(settings.request_timeout_ms)))
            request = ReadRequest(
                api=Api.LIST_OFFSETS, encode_body=lambda _: body, version_min=version, version_max=version
            )
            answer = await self._cluster.send(request, deadline, piece.broker_id)
            await _read(answer, piece, told, settings.partitions_per_hold_max)
        except RefusedError:
            raise
        except KconError as error:
            of_each = as_item_error(error)
            for place in piece.places():
                if told.offsets[place] is None:
                    told.errors[place] = of_each
                    if isinstance(error, TimedOut):
                        told.final.add(place)

    async def _ask_again(self, layout: PartitionLayout, bound: OffsetBound, deadline: Deadline, told: _Told) -> None:
        """Ask for single partitions: who has no leader may have one by now, or another than Metadata told."""
        again = []
        for place, offset in enumerate(told.offsets):
            if offset is not None or place in told.final:
                continue
            error = told.errors.get(place)
            if error is None or error.retriable:
                again.append(place)
            else:
                told.errors[place] = error.lacking("DESCRIBE")
        if not again or deadline.left_ms() <= 0:
            return
        answers = await list_offsets(
            self._cluster,
            self._routes,
            [layout.partitions[place] for place in again],
            bound,
            read_committed=False,
            deadline=deadline,
        )
        for place, answer in zip(again, answers.values(), strict=True):
            if isinstance(answer, OffsetAt):
                told.offsets[place] = answer.offset
                told.errors.pop(place, None)
            else:
                told.errors[place] = answer


async def _read(answer: Answer, piece: _Piece, told: _Told, hold_max: int) -> None:
    """Read `throttle:int32 topics:[name partitions:[index error timestamp offset epoch tags] tags] tags`."""
    body, spans, unpack, row_size = answer.body, piece.spans, _ROW.unpack_from, _ROW.size
    offsets, errors = told.offsets, told.errors
    held = 0
    with reading(entity_type(Api.LIST_OFFSETS, answer.version, "response")):
        cursor = Cursor(body, answer.offset + 4)
        count = cursor.array_length(True) or 0
        at = cursor.offset
        for _ in range(count):
            name_size = body[at]
            if 0 < name_size < 0x80 and 0 < body[at + name_size] < 0x80:
                first, size = spans.get(body[at + 1 : at + name_size], _NOWHERE)
                rows = body[at + name_size] - 1
                at += name_size + 1
            else:  # A length of more than one byte.
                cursor.offset = at
                first, size = spans.get(cursor.text_bytes(), _NOWHERE)
                rows = cursor.array_length(True) or 0
                at = cursor.offset
            for _ in range(rows):
                index, error_code, offset, tags = unpack(body, at)
                at += row_size
                if 0 <= index < size:
                    if error_code:
                        errors[first + index] = kafka_error(error_code)
                    else:
                        offsets[first + index] = offset
                if tags:
                    cursor.offset = at - 1
                    cursor.skip_tags()
                    at = cursor.offset
            if body[at] == 0:
                at += 1
            else:
                cursor.offset = at
                cursor.skip_tags()
                at = cursor.offset
            held += rows
            if held >= hold_max:
                held = 0
                await asyncio.sleep(0)


_ROW: Final = struct.Struct(">ih8xq4xB")
"""Index, error, offset and the count of tags; a timestamp and a leader's epoch are passed over."""
_NOWHERE: Final = (0, 0)
