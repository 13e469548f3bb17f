"""`kcon txn`: executes its requests and shows the answers."""

from collections.abc import Mapping, Sequence

from kcon.admin.client import Admin
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item, ItemError, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.request import Request
from kcon.commands.txn import TxnAbort, TxnDescribe, TxnFence, TxnList, TxnProducers
from kcon.core.ids import topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.times import format_time
from kcon.core.transaction import HANGING_AFTER_MS, ProducerState, TransactionDescription
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import NotFoundError
from kcon.gate.permit import Operation, Permit
from kcon.services.groups import PartitionScope
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session
from kcon.services.transactions import Producers, read_hanging, read_producers


async def run_txn(request: Request, invocation: Invocation) -> int:
    """Execute one request about transactions."""
    async with invocation.open_session() as session:
        match request:
            case TxnList():
                return await _list(request, invocation, session)
            case TxnDescribe():
                return await _describe(request, invocation, session)
            case TxnProducers():
                return await _producers(request, invocation, session)
            case TxnAbort():
                return await _abort(request, invocation, session)
            case TxnFence():
                return await _fence(request, invocation, session)
            case _:
                raise AssertionError(f"not about transactions: {request.command}")


_LIST_COLUMNS = (
    Column(key="transactional_id", header="TRANSACTIONAL ID"),
    Column(key="state"),
    Column(key="producer_id", header="PRODUCER", right=True, show=str),
    Column(key="coordinator", right=True, drop=1),
)


async def _list(request: TxnList, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await (await session.admin()).transactions(states=request.states, open_for_ms=request.open_for_ms)
    return invocation.show(
        Document(
            kind="TransactionList",
            context=invocation.context.name,
            columns=_LIST_COLUMNS,
            name_key="transactional_id",
            items=[
                {
                    "transactional_id": each.transactional_id,
                    "state": each.state,
                    "producer_id": int64(each.producer_id),
                    "coordinator": each.coordinator_id,
                }
                for each in found.items
            ],
            errors=[
                ItemError(item=f"transactions of broker {broker}", error=error.as_exception(f"broker {broker}"))
                for broker, error in found.errors.items()
            ],
        )
    )


_DESCRIBE_COLUMNS = (
    *_LIST_COLUMNS[:3],
    Column(key="epoch", right=True),
    Column(key="timeout_ms", right=True, drop=2),
    Column(key="since", drop=1),
    Column(key="partitions"),
)


async def _describe(request: TxnDescribe, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found, errors = await _described(request.ids, invocation, session)
    items: list[Item] = [_description_item(each, invocation) for each in found]
    return invocation.show(
        Document(
            kind="TransactionDescription",
            context=invocation.context.name,
            columns=_DESCRIBE_COLUMNS,
            name_key="transactional_id",
            items=items,
            errors=errors,
        )
    )


async def _described(
    ids: Sequence[str], invocation: Invocation, session: Session
) -> tuple[list[TransactionDescription], list[ItemError]]:
    """Describe transactional ids; an error for each that cannot be."""
    told = await (await session.admin()).describe_transactions(invocation.names(ids))
    errors = []
    for name, each in told.items():
        if isinstance(each, KafkaError):
            label = f"transactional id {display_safe(name)}"
            missing = each.name == "TRANSACTIONAL_ID_NOT_FOUND"
            error = (
                NotFoundError(f"There is no {label}.", "`kcon txn list` shows those that there are.")
                if missing
                else each.as_exception(label)
            )
            errors.append(ItemError(item=label, error=error))
    return [each for each in told.values() if not isinstance(each, KafkaError)], errors


def _description_item(each: TransactionDescription, invocation: Invocation) -> Item:
    zone, _name = invocation.zone
    return {
        "transactional_id": each.transactional_id,
        "state": each.state,
        "producer_id": int64(each.producer_id),
        "epoch": each.producer_epoch,
        "timeout_ms": each.timeout_ms,
        "since": None if each.start_ms is None else format_time(each.start_ms, zone),
        "partitions": [WireText(f"{where.topic.raw}/{where.partition}") for where in each.partitions],
        "coordinator": each.coordinator_id,
    }


async def _fence(request: TxnFence, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.PRODUCER_FENCE, request.confirmation)
    async with invocation.deadline():
        found, errors = await _described(request.ids, invocation, session)
    by_id = {each.transactional_id.raw: each for each in found}

    async def send(admin: Admin, permit: Permit) -> Mapping[str, KafkaError | None]:
        return await admin.fence_producers(list(by_id), permit)

    changes = ItemChanges(
        operation=Operation.PRODUCER_FENCE,
        targets=frozenset(by_id),
        keys=tuple(by_id),
        label=lambda name: f"transactional id {name}",
        send=send,
    )
    count = len(by_id)
    what = f"transactional id {found[0].transactional_id}" if count == 1 else f"{count:,} transactional ids"
    shape = Shape(
        kind="ProducerFence",
        columns=_DESCRIBE_COLUMNS,
        question=f"Fence the producer of {what}? It can write no more, and what it has open is aborted.",
        planned="to be fenced",
        done="fenced",
        what="producers",
        name_key="transactional_id",
        errors=errors,
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda name: _description_item(by_id[name], invocation),
    )


_PRODUCER_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="producer_id", header="PRODUCER", right=True, show=str),
    Column(key="epoch", right=True),
    Column(key="last_sequence", right=True, drop=2),
    Column(key="last_time", drop=1),
    Column(key="txn_start", header="TXN START", right=True),
)


async def _producers(request: TxnProducers, invocation: Invocation, session: Session) -> int:
    scopes = scopes_of(request.topics)
    zone, _name = invocation.zone
    notes: list[str] = []
    ids: dict[ProducerState, WireText | None] = {}
    async with invocation.deadline():
        if request.hanging:
            older_than_ms = HANGING_AFTER_MS if request.older_than_ms is None else request.older_than_ms
            hanging, told = await read_hanging(session, scopes, older_than_ms=older_than_ms)
            ids = {each.producer: each.transactional_id for each in hanging}
            rows = list(ids)
            if rows:
                notes = ["End one with `kcon txn abort TOPIC -p N --start-offset N`."]
            elif not any(isinstance(found, KafkaError) for found in told.values()):
                notes = ["None hangs."]
        else:
            told = await read_producers(session, scopes)
            rows = [state for found in told.values() if not isinstance(found, KafkaError) for state in found]
    items: list[Item] = [
        {
            "topic": row.partition.topic,
            "partition": row.partition.partition,
            "producer_id": int64(row.producer_id),
            "epoch": row.producer_epoch,
            "last_sequence": row.last_sequence,
            "last_time": format_time(row.last_timestamp_ms, zone) if row.last_timestamp_ms >= 0 else None,
            "txn_start": int64(row.txn_start_offset),
            **({"transactional_id": ids[row]} if request.hanging else {}),
        }
        for row in rows
    ]
    extra = (Column(key="transactional_id", header="TRANSACTIONAL ID"),) if request.hanging else ()
    return invocation.show(
        Document(
            kind="HangingTransactions" if request.hanging else "Producers",
            context=invocation.context.name,
            columns=(*_PRODUCER_COLUMNS, *extra),
            name_key="producer_id",
            items=items,
            errors=_errors(told),
            notes=notes,
        )
    )


def _errors(told: Producers) -> list[ItemError]:
    return [
        ItemError(item=label, error=found.as_exception(label))
        for where, found in told.items()
        if isinstance(found, KafkaError) and (label := f"{where.topic}/{where.partition}")
    ]


async def _abort(request: TxnAbort, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.TXN_ABORT, request.confirmation)
    scope = PartitionScope(topic=topic_name(request.topic), partitions=frozenset({request.partition}))
    async with invocation.deadline():
        told = await read_producers(session, [scope])
    for error in _errors(told):
        raise error.error
    states = [state for found in told.values() if not isinstance(found, KafkaError) for state in found]
    found = [state for state in states if state.txn_start_offset == request.start_offset]
    if not found:
        raise NotFoundError(
            f"No open transaction of {display_safe(request.topic)}/{request.partition} starts at "
            f"{request.start_offset:,}.",
            "`kcon txn hanging` shows those that hang.",
        )

    async def send(admin: Admin, permit: Permit) -> Mapping[ProducerState, KafkaError | None]:
        return {found[0]: await admin.abort_transaction(found[0], permit)}

    changes = ItemChanges(
        operation=Operation.TXN_ABORT,
        targets=frozenset({request.topic}),
        keys=(found[0],),
        label=lambda state: f"producer {state.producer_id}",
        send=send,
    )
    shape = Shape(
        kind="TransactionAbort",
        columns=(*_PRODUCER_COLUMNS[:4], _PRODUCER_COLUMNS[-1]),
        question=f"Abort the transaction of producer {found[0].producer_id}? A producer that still lives loses it.",
        planned="to be aborted",
        done="aborted",
        what="transactions",
        name_key="producer_id",
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda state: {
            "topic": state.partition.topic,
            "partition": state.partition.partition,
            "producer_id": int64(state.producer_id),
            "epoch": state.producer_epoch,
            "txn_start": int64(state.txn_start_offset),
        },
    )
