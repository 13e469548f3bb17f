"""How is one question put to the right broker? To any, to the controller, or to every one, with its answer decoded.

What is asked item by item goes through `fan_out`; here stand the shapes that many APIs share.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final, TypeVar

from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.decode import decode_response
from kcon.admin.fan_out import Ask, as_item_error, fan_out, pause, together
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, RefusedError, UnreachableError
from kcon.gate.permit import Operation, Permit

Key = TypeVar("Key")
Value = TypeVar("Value")

NOT_CONTROLLER: Final = 41


async def ask(cluster: Cluster, request: ReadRequest, deadline: Deadline, to: int | None = None) -> Any:
    """Send a read to a broker (None: to any) and decode the answer."""
    answer = await cluster.send(request, deadline, to)
    return decode_response(answer.api, answer.version, answer.body, answer.offset)


async def change(
    cluster: Cluster, request: WriteRequest, permit: Permit, deadline: Deadline, to: int | None = None
) -> Any:
    """Send a mutation under a permit that is in use, and decode the answer."""
    answer = await cluster.send_mutating(request, permit, deadline, to)
    return decode_response(answer.api, answer.version, answer.body, answer.offset)


async def ask_whole(cluster: Cluster, request: ReadRequest, deadline: Deadline, *, controller: bool = False) -> Any:
    """Ask once for an answer with one error code for all of it, again where that passes. KconError when it stays."""
    to_controller = controller
    for attempt in count():
        to = await controller_or_any(cluster, deadline, fresh=attempt > 0) if to_controller else None
        try:
            told = await ask(cluster, request, deadline, to)
        except UnreachableError:
            if to is None:
                raise
            # A broker that has just died is named as the controller for a while; under KRaft any other forwards.
            to_controller = False
            continue
        to_controller = controller
        error = item_error(told)
        if error is None:
            return told
        again = error.retriable or error.code == NOT_CONTROLLER
        if not again or attempt >= cluster.settings.retries_max or deadline.left_ms() <= 0:
            raise error.as_exception(request.api.title)
        await pause(attempt + 1, cluster.settings, deadline)
    raise AssertionError("the count never ends")


async def ask_brokers(
    cluster: Cluster, request: ReadRequest, deadline: Deadline, broker_ids: Sequence[int] | None = None
) -> dict[int, Any]:
    """Ask brokers (None: every live one) the same, at once; a KafkaError for each that did not answer."""
    if broker_ids is None:
        broker_ids = [broker.id for broker in (await cluster.refresh(deadline)).brokers]
    told: dict[int, Any] = dict.fromkeys(broker_ids)

    async def one(broker_id: int) -> None:
        try:
            answer = await ask(cluster, request, deadline, broker_id)
            told[broker_id] = item_error(answer) or answer
        except RefusedError:
            raise
        except KconError as error:
            told[broker_id] = as_item_error(error)

    await together(one(broker_id) for broker_id in broker_ids)
    return told


async def on_controller(
    cluster: Cluster,
    keys: Sequence[Key],
    ask_one: Ask[Key, Value],
    deadline: Deadline,
    *,
    batch_max: int = 500,
    mutating: bool = True,
    needs: str = "",
) -> dict[Key, Value | KafkaError]:
    """Fan out to the controller alone. The broker id that `ask_one` gets may be NO_BROKER, which is any."""

    async def route(wanted: Sequence[Key], fresh: bool) -> Mapping[Key, int | KafkaError]:
        to = await controller_or_any(cluster, deadline, fresh=fresh)
        return dict.fromkeys(wanted, NO_BROKER if to is None else to)

    return await fan_out(
        list(dict.fromkeys(keys)),
        route=route,
        ask=ask_one,
        batch_max=batch_max,
        settings=cluster.settings,
        deadline=deadline,
        mutating=mutating,
        needs=needs,
    )


async def controller_or_any(cluster: Cluster, deadline: Deadline, *, fresh: bool) -> int | None:
    """Return the controller's broker id; None for any broker, which forwards under KRaft."""
    if fresh or cluster.info is None:
        await cluster.refresh(deadline)
    return cluster.controller_id


def item_error(item: Any) -> KafkaError | None:
    """Return the error of an item of an answer, or None. An item without a code has none."""
    code = int(getattr(item, "error_code", 0))
    return kafka_error(code, display_safe(getattr(item, "error_message", None) or "")) if code else None


def none_when_done(told: Mapping[Key, Value | KafkaError]) -> dict[Key, KafkaError | None]:
    """Turn results into None for each success."""
    return {key: result if isinstance(result, KafkaError) else None for key, result in told.items()}


def need(permit: Permit | None, operation: Operation) -> Permit:
    """Return the permit. RefusedError when there is none."""
    if permit is None:
        raise RefusedError(f"{operation.value} was not permitted.")
    return permit
