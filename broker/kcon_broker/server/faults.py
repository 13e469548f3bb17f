"""Which requests shall fail on purpose, and how?

A team rehearses failures with it: the next requests of an API get an error, wait, or lose their connection. Faults of
one API are used up in the order in which they were injected. Unless `is_applied`, a request that fails is not carried
out: nothing is written, as with Kafka's own NOT_LEADER_OR_FOLLOWER. A delayed request is carried out after the delay.
"""

from dataclasses import dataclass

from kcon_broker.handlers.registry import Answer, CloseConnection, Handler, HandlerResult, Park, RequestContext
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_answer import error_answer
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.produce import ProduceRequest
from kcon_broker.wire.schema import ApiMessage

TIMES_MAX = 1_000_000
DELAY_MS_MAX = 600_000
PENDING_MAX = 1_000
"""Faults that wait for their requests."""
_DROPPED = "an injected fault says so"


class FaultError(ValueError):
    """One sentence that says why a fault cannot be injected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the next `times` requests of an API: a delay, then an error, a lost connection, or the answer."""

    api_key: ApiKey
    error: ErrorCode | None = None
    delay_ms: int = 0
    """By the broker's clock. Later requests of the same connection wait behind it."""
    drop_connection: bool = False
    times: int = 1
    is_applied: bool = False
    """The request is carried out, and only its answer is lost or replaced."""

    def __post_init__(self) -> None:
        """Raise FaultError for what cannot be meant."""
        if self.error is ErrorCode.NONE:
            raise FaultError("NONE is no error: name one, or leave it out.")
        if self.error is not None and self.drop_connection:
            raise FaultError("A dropped connection carries no error: choose one of the two.")
        if self.error is None and not self.drop_connection and not self.delay_ms:
            raise FaultError("A fault needs an error, a delay_ms or drop_connection.")
        if not 0 <= self.delay_ms <= DELAY_MS_MAX:
            raise FaultError(f"delay_ms is 0 to {DELAY_MS_MAX}, not {self.delay_ms}.")
        if not 1 <= self.times <= TIMES_MAX:
            raise FaultError(f"times is 1 to {TIMES_MAX}, not {self.times}.")


class Injected:
    """A fault and how often it was met. Any thread may read it."""

    __slots__ = ("fault", "used")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.used = 0

    @property
    def remaining(self) -> int:
        """Return how many requests will still meet it."""
        return self.fault.times - self.used


class Faults:
    """The faults that wait for their requests, oldest first. The broker's thread owns it."""

    def __init__(self) -> None:
        self.pending: list[Injected] = []

    def add(self, fault: Fault) -> Injected:
        """Inject a fault behind those that are there; raises FaultError when too many wait."""
        if len(self.pending) >= PENDING_MAX:
            raise FaultError(f"{PENDING_MAX} faults wait already: clear them first.")
        injected = Injected(fault)
        self.pending.append(injected)
        return injected

    def clear(self) -> int:
        """Forget all; return how many there were."""
        count = len(self.pending)
        self.pending.clear()
        return count

    def take(self, request: ApiMessage, version: int) -> Fault | None:
        """Return the fault that this request meets, and count it.

        None also where the request has no place for the error in its answer: it is answered as ever, and not counted.
        """
        for injected in self.pending:
            fault = injected.fault
            if fault.api_key != request.API_KEY:
                continue
            if fault.error is not None and error_answer(request, version, fault.error) is None:
                return None
            injected.used += 1
            if not injected.remaining:
                self.pending.remove(injected)
            return fault
        return None


def meet(fault: Fault, handler: Handler, ctx: RequestContext, request: ApiMessage) -> HandlerResult:
    """Let a request meet a fault; what comes out is what a handler might have said."""

    def after_delay(later: RequestContext) -> HandlerResult:
        if fault.error is None and not fault.drop_connection:
            return handler.handle(later, request)
        if fault.is_applied:
            handler.handle(later, request)
        has_no_answer = isinstance(request, ProduceRequest) and request.acks == 0
        response = None if fault.error is None else error_answer(request, later.api_version, fault.error)
        if response is None or has_no_answer:
            raise CloseConnection(_DROPPED)
        return Answer(response)

    if fault.delay_ms:
        return Park(ctx.now_ms + fault.delay_ms, (), after_delay)
    return after_delay(ctx)
