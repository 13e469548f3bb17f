"""In which rounds does the broker work, and what happens to a request in one?

A round takes what has arrived, on all connections by turns, and handles it; then writes what was appended, once a
partition; then asks the parked requests that this woke; then sends all answers that may leave, one system call a
connection. The sync of what was written runs meanwhile off the loop (`commit`). Many small requests thus share the
costs that a single one would pay alone.
"""

import asyncio
import logging
import struct
import time
from collections import deque
from collections.abc import Callable, Hashable

from kcon_broker.handlers.api_versions import unsupported_version_response
from kcon_broker.handlers.registry import (
    HANDLERS,
    Answer,
    CloseConnection,
    Handler,
    HandlerResult,
    NeedsRead,
    Park,
    RequestContext,
    handler_of,
)
from kcon_broker.server.clock import Clock, Timer
from kcon_broker.server.cold_reads import read_ahead
from kcon_broker.server.commit import Committer
from kcon_broker.server.connection import Connection
from kcon_broker.server.exchange import Exchange
from kcon_broker.server.faults import Faults, meet
from kcon_broker.server.parked import ParkedTable
from kcon_broker.server.read_buffers import BufferPool
from kcon_broker.server.tasks import spawn
from kcon_broker.state.broker import Broker
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.frames import STAGING_BYTES
from kcon_broker.wire.headers import read_request_header
from kcon_broker.wire.schema import WireError

_logger = logging.getLogger("kcon_broker")

_TURN_REQUESTS = 4
_TURN_BYTES = 512 * 1024
"""Requests of one connection, and their bytes, before the next one has its turn."""
_ROUND_S = 0.001
"""Every connection has a turn in each round, and more until it has lasted so long: nobody starves beside a flood."""
_ROUND_ALONE_S = 0.004
"""A single client is helped by more requests a write and a sync, and keeps nobody waiting."""
_ROUND_BYTES = 4 * 1024 * 1024
"""More are not handled in a round: large requests gain nothing from company, and their client waits for answers."""
_SMALL_BYTES = 64 * 1024
"""While the loop syncs a larger request, the next one could arrive: 450 MB/s of 1 MB requests instead of 700."""
_KEY_AND_VERSION = struct.Struct(">hh")
_API_VERSIONS = int(ApiKey.API_VERSIONS)
_NOT_FOR_ADMIN = frozenset(
    (ApiKey.PRODUCE, ApiKey.FETCH, ApiKey.JOIN_GROUP, ApiKey.CONSUMER_GROUP_HEARTBEAT, ApiKey.INIT_PRODUCER_ID)
)
_CLOSE = "wants version {version} of {name}, served are {low} to {high}"


class Dispatcher:
    """The rounds, and everybody who takes part in them."""

    def __init__(self, broker: Broker, committer: Committer, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self.broker = broker
        self.committer = committer
        self.parked = ParkedTable(self.request_round)
        self.connections: dict[int, Connection] = {}
        self.request_buffers = BufferPool()
        """Memory of large requests; it is free again when a batch is written."""
        self.staging = bytearray(STAGING_BYTES)
        """What all connections receive into, one after the other."""
        self.in_flight_bytes = 0
        self.on_connection_closed: Callable[[], None] = lambda: None
        self.faults = Faults()
        self._loop = loop
        self._clock = clock
        self._with_work: dict[Connection, None] = {}
        self._with_answers: dict[Connection, None] = {}
        self._is_collecting_answers = False
        """A round is under way, and has not sent its answers yet."""
        self._round_bytes = 0
        """Of the requests that the present round has handled."""
        self._due_round: asyncio.Handle | None = None
        self._is_reading_paused = False
        self._is_stopping = False
        self._alarm: Timer | None = None
        self._alarm_ms = 0

    # What wakes the dispatcher.

    def request_round(self) -> None:
        """Make sure that a round follows."""
        if self._due_round is None:
            self._due_round = self._loop.call_soon(self._round)

    def round_if_due(self) -> None:
        """Have the round that follows at once, unless one is under way."""
        if self._due_round is not None and not self._is_collecting_answers:
            self._due_round.cancel()
            self._round()

    def has_work(self, connection: Connection) -> None:
        """Handle this connection's next requests in the next round."""
        self._with_work[connection] = None
        self.request_round()

    def has_answers(self, connection: Connection) -> None:
        """Send this connection's answers at the end of this round, or of the next."""
        self._with_answers[connection] = None
        if not self._is_collecting_answers:
            self.request_round()

    def wake(self, key: Hashable) -> None:
        """Ask the parked requests again that wait for this key."""
        self.parked.wake(key)

    def connection_closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._with_work.pop(connection, None)
        self._with_answers.pop(connection, None)
        self.connections.pop(connection.connection_id, None)
        self._resume_reading()
        self.on_connection_closed()

    def is_only_one_waiting(self) -> bool:
        """Tell whether there is a single client, and it waits for the answer to a single small request."""
        if len(self.connections) != 1 or self._round_bytes > _SMALL_BYTES:
            return False
        (connection,) = self.connections.values()
        return len(connection.exchanges) == 1 and not connection.exchanges[0].is_done and not connection.frames

    def stop_handling(self) -> None:
        """Handle no further request; answers to those at work still leave."""
        self._is_stopping = True
        for connection in self.connections.values():
            connection.pause_reading()

    def close_connections(self, *, flush: bool = True) -> None:
        """Send what may leave, then end every connection."""
        for connection in list(self.connections.values()):
            if flush:
                connection.flush()
            connection.close(None)

    # One round.

    def _round(self) -> None:
        self._due_round = None
        self._is_collecting_answers = True
        try:
            self._handle_what_is_due()
        finally:
            self._is_collecting_answers = False
        with_answers, self._with_answers = self._with_answers, {}
        for connection in with_answers:
            try:
                connection.flush()
            except Exception:
                # The border of a connection, as below: an answer that cannot be encoded is one client's loss.
                _logger.exception("an answer to %s failed", connection.client_host)
                connection.close("an answer met a defect of the broker")
        self._limit_in_flight()
        self._limit_unsent()
        self._set_alarm()

    def _handle_what_is_due(self) -> None:
        now_ms = self._clock.now_ms()
        wall_ms = self._clock.wall_ms()
        if self._with_work and not self._is_stopping:
            self._take_turns(now_ms, wall_ms)
        self._expire_groups(now_ms, wall_ms)
        self._expire_transactions(now_ms, wall_ms)
        self.committer.write()
        for parked in self.parked.take_due(now_ms):
            parked.context.now_ms = now_ms
            parked.context.wall_ms = wall_ms
            self._ask(parked.exchange, parked.context, parked.retry)
        self.committer.write()

    def _take_turns(self, now_ms: int, wall_ms: int) -> None:
        """Handle what has arrived, by turns; what is left when the round has lasted long enough is for the next."""
        with_work, self._with_work = self._with_work, {}
        end_s = time.monotonic() + (_ROUND_S if len(self.connections) > 1 else _ROUND_ALONE_S)
        self._round_bytes = 0
        with_more = deque(each for each in with_work if self._handle_turn(each, now_ms, wall_ms))
        while with_more and self._round_bytes < _ROUND_BYTES and time.monotonic() < end_s:
            connection = with_more.popleft()
            if self._handle_turn(connection, now_ms, wall_ms):
                with_more.append(connection)
            if self._round_bytes < _TURN_BYTES:
                # Who waits for a sync that has ended would wait for the rest of the round as well. Not beside large
                # requests: their syncs are better few than early.
                self.committer.take_ended()
        for connection in with_more:
            self.has_work(connection)

    def _handle_turn(self, connection: Connection, now_ms: int, wall_ms: int) -> bool:
        """Handle some requests of a connection; tell whether more of them can be handled."""
        frames = connection.frames
        count = size = 0
        while frames and not connection.is_closed:
            # int16 api key: Produce, key 0, is the only one that does not wait for the answer before.
            frame = frames[0]
            is_pipelined = len(frame) > 1 and not (frame[0] or frame[1])
            if not connection.may_handle_next(is_pipelined=is_pipelined):
                return False
            if count == _TURN_REQUESTS or size >= _TURN_BYTES:
                return True
            count += 1
            size += len(frame)
            self._round_bytes += len(frame)
            try:
                self._handle(connection, frames.popleft(), is_pipelined, now_ms, wall_ms)
            except (WireError, CloseConnection) as error:
                connection.close(str(error))
            except Exception:
                # The border of a connection: a defect met by one client's request must not stop the others.
                _logger.exception("a request of %s failed", connection.client_host)
                connection.close("its request met a defect of the broker")
        return False

    def _handle(self, connection: Connection, frame: memoryview, is_pipelined: bool, now_ms: int, wall_ms: int) -> None:
        if len(frame) < _KEY_AND_VERSION.size:
            raise WireError(f"a request of {len(frame)} bytes has no room for a header")
        api_key, api_version = _KEY_AND_VERSION.unpack_from(frame)
        handler = HANDLERS.get(api_key) or handler_of(api_key)
        if handler is None:
            raise CloseConnection(f"asks for API {api_key}, which is not served")
        if connection.is_for_admin and api_key in _NOT_FOR_ADMIN:
            raise CloseConnection("its place is kept for administration, and there is no other")
        if not handler.min_served_version <= api_version <= handler.max_version:
            self._refuse_version(connection, handler, frame, api_version)
            return
        request_type = handler.request_type
        is_flexible = api_version >= request_type.FLEXIBLE_SINCE
        correlation_id, client_id, offset = read_request_header(frame, is_flexible=is_flexible)
        request, _ = request_type.decode(frame, offset, api_version)
        exchange = Exchange(
            connection,
            api_version=api_version,
            correlation_id=correlation_id,
            # KIP-511: the header of an ApiVersions answer never has tags, so that any client can read it.
            has_flexible_header=is_flexible and api_key != _API_VERSIONS,
            is_pipelined=is_pipelined,
            request_bytes=len(frame),
        )
        connection.exchanges.append(exchange)
        context = RequestContext(
            broker=self.broker,
            api_version=api_version,
            client_id=client_id,
            client_host=connection.client_host,
            connection_id=connection.connection_id,
            wall_ms=wall_ms,
            now_ms=now_ms,
        )
        if self.faults.pending and (fault := self.faults.take(request, api_version)) is not None:
            # What follows a delayed request waits behind it: Produce requests must keep their order.
            exchange.is_pipelined = is_pipelined and not fault.delay_ms
            self._settle(exchange, context, meet(fault, handler, context, request))
            return
        self._settle(exchange, context, handler.handle(context, request))

    def _refuse_version(self, connection: Connection, handler: Handler, frame: memoryview, api_version: int) -> None:
        """Answer an ApiVersions of unknown version in version 0 (KIP-35); anything else ends the connection."""
        if handler.api_key != ApiKey.API_VERSIONS:
            raise CloseConnection(
                _CLOSE.format(
                    version=api_version,
                    name=handler.api_key.name,
                    low=handler.min_served_version,
                    high=handler.max_version,
                )
            )
        exchange = Exchange(
            connection,
            api_version=0,
            correlation_id=int.from_bytes(frame[4:8], "big", signed=True),
            has_flexible_header=False,
            is_pipelined=False,
            request_bytes=len(frame),
        )
        connection.exchanges.append(exchange)
        exchange.settle(Answer(unsupported_version_response()))

    # Results.

    def _ask(self, exchange: Exchange, context: RequestContext, retry: Callable[[], HandlerResult]) -> None:
        """Ask a parked request again."""
        try:
            self._settle(exchange, context, retry())
        except CloseConnection as error:
            exchange.connection.close(str(error))
        except Exception:
            # The border of a connection, as above.
            _logger.exception("a parked request of %s failed", exchange.connection.client_host)
            exchange.connection.close("its request met a defect of the broker")

    def _settle(self, exchange: Exchange, context: RequestContext, result: HandlerResult) -> None:
        if isinstance(result, Answer):
            exchange.settle(result)
        elif isinstance(result, Park):
            if self.parked.count >= self.broker.settings.network.parked_requests_max:
                raise CloseConnection("too many requests wait already")
            self.parked.add(exchange, context, result)
        elif isinstance(result, NeedsRead):
            spawn(self._read_and_ask(exchange, context, result), name="cold read")
        else:
            exchange.settle_without_answer()

    async def _read_and_ask(self, exchange: Exchange, context: RequestContext, needed: NeedsRead) -> None:
        """Have parts of files read into memory by a thread, then ask again."""
        await read_ahead(needed.reads)
        if exchange.connection.is_closed or self._is_stopping:
            return
        context.now_ms = self._clock.now_ms()
        context.wall_ms = self._clock.wall_ms()
        self._ask(exchange, context, lambda: needed.retry(context))
        self.request_round()

    def _expire_groups(self, now_ms: int, wall_ms: int) -> None:
        """Let the groups do what is due: members that fell silent, rebalances that waited long enough."""
        deadline_ms = self.broker.groups.next_deadline_ms()
        if deadline_ms is None or deadline_ms > now_ms:
            return
        self.broker.groups.expire(Moment(now_ms, self.broker.steady_time.at(now_ms, wall_ms)))

    def _expire_transactions(self, now_ms: int, wall_ms: int) -> None:
        """Let transactions take their next steps: markers, completions, timeouts."""
        deadline_ms = self.broker.transactions.next_deadline_ms()
        if deadline_ms is not None and deadline_ms <= now_ms:
            self.broker.transactions.expire(Moment(now_ms, self.broker.steady_time.at(now_ms, wall_ms)))

    # Limits and timers.

    def _limit_in_flight(self) -> None:
        """Read from nobody while too many bytes are in flight."""
        limit = self.broker.settings.network.in_flight_bytes_max
        if self.in_flight_bytes > limit and not self._is_reading_paused:
            self._is_reading_paused = True
            _logger.warning("%d bytes of requests are in flight: reading pauses", self.in_flight_bytes)
            for connection in self.connections.values():
                connection.pause_reading()
        elif self._is_reading_paused:
            self._resume_reading()

    def _limit_unsent(self) -> None:
        """Close those who keep the most: Fetch heeds the limit, and other answers can be large as well."""
        unsent = self.broker.unsent_answers
        while unsent.is_overfull:
            greediest = max(self.connections.values(), key=lambda connection: connection.held_bytes)
            if not greediest.held_bytes:
                return
            greediest.close(f"it leaves {greediest.held_bytes} bytes of answers, and all clients leave too many")

    def may_resume_reading(self, connection: Connection) -> None:
        """Let a connection read on, unless nobody may."""
        if not (self._is_reading_paused or self._is_stopping):
            connection.resume_reading()

    def _resume_reading(self) -> None:
        if self._is_stopping:
            return
        if self._is_reading_paused and self.in_flight_bytes <= self.broker.settings.network.in_flight_bytes_max // 2:
            self._is_reading_paused = False
            for connection in self.connections.values():
                connection.resume_reading()

    def _set_alarm(self) -> None:
        """Have a round at the next deadline of a parked request, a group or a transaction."""
        deadlines = [
            deadline
            for deadline in (
                self.parked.next_deadline_ms(),
                self.broker.groups.next_deadline_ms(),
                self.broker.transactions.next_deadline_ms(),
            )
            if deadline is not None
        ]
        if not deadlines:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            return
        next_ms = min(deadlines)
        if self._alarm is not None:
            if self._alarm_ms == next_ms:
                return
            self._alarm.cancel()
        self._alarm_ms = next_ms
        self._alarm = self._clock.call_at(next_ms, self._alarmed)

    def _alarmed(self) -> None:
        self._alarm = None
        self.request_round()
