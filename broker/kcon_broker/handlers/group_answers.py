"""When may an answer about a group leave, and how does a parked one come back?

The coordinator's memory may be ahead of the disk, so every answer that tells of a group waits until the
group's partition of `__consumer_offsets` is durable up to where it ended when the answer was made. If it never
becomes durable the client is told COORDINATOR_NOT_AVAILABLE and looks for the coordinator again.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from kcon_broker.handlers.registry import Answer, HandlerResult, Park, RequestContext, Response
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.outcome import Moment, PendingAnswer

AnswerT = TypeVar("AnswerT")

PARKED_MAX_MS = 3_600_000
"""A guard, not a timeout: the rebalance timeouts of the group's members come first."""


def moment(ctx: RequestContext) -> Moment:
    """Return the request's time on both clocks."""
    return Moment(ctx.now_ms, ctx.wall_ms)


def answer_when_durable(
    ctx: RequestContext, group_ids: Iterable[str], response: Response, *, failed: Response
) -> Answer:
    """Send `response` when all that is known of these groups is durable."""
    positions: dict[Gate, int] = {}
    for group_id in group_ids:
        position = ctx.broker.coordinator_position(group_id)
        if position is not None:
            positions[position[0]] = position[1]
    return Answer(response, after=tuple(positions.items()), failed=lambda _gate: failed)


def answer_or_park(
    ctx: RequestContext,
    group_id: str,
    result: AnswerT | PendingAnswer[AnswerT],
    *,
    respond: Callable[[AnswerT], Response],
    failed: Response,
    gave_up: Response,
) -> HandlerResult:
    """Answer, or wait for the coordinator's answer; `gave_up` is sent if it does not come."""
    if not isinstance(result, PendingAnswer):
        return answer_when_durable(ctx, (group_id,), respond(result), failed=failed)
    until_ms = ctx.now_ms + PARKED_MAX_MS

    def retry(later: RequestContext) -> HandlerResult:
        if result.answer is not None:
            return answer_when_durable(later, (group_id,), respond(result.answer), failed=failed)
        if later.now_ms >= until_ms:
            return Answer(gave_up)
        return Park(until_ms, (result.key,), retry)

    return Park(until_ms, (result.key,), retry)
