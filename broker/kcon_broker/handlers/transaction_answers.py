"""When may an answer about a transactional id leave, and which words does its version of an API know?

The coordinator's memory may be ahead of the disk, so every answer waits until the id's partition of
`__transaction_state` is durable up to where it ended when the answer was made. If it never becomes durable the client
is told COORDINATOR_NOT_AVAILABLE and asks again.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, Response
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.wire.error_codes import ErrorCode


def moment(ctx: RequestContext) -> Moment:
    """Return the request's time on both clocks."""
    return Moment(ctx.now_ms, ctx.wall_ms)


def answer_when_durable(ctx: RequestContext, transactional_id: str, response: Response, *, failed: Response) -> Answer:
    """Send `response` when all that is known of this transactional id is durable."""
    return Answer(response, after=ctx.broker.transaction_positions(transactional_id), failed=lambda _gate: failed)


def told_error(error_code: ErrorCode, *, knows_fenced: bool) -> ErrorCode:
    """Return the error as the version of an API tells it: PRODUCER_FENCED came with KIP-588."""
    if error_code is ErrorCode.PRODUCER_FENCED and not knows_fenced:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return error_code
