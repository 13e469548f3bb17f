"""`kcon txn`: which transactions are open, who writes in them, which hang, and how one is ended by force."""

from typing import ClassVar

import click

from kcon.commands.group import Scope, TopicScope
from kcon.commands.options import Duration, confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf


class TxnList(Request):
    """List transactional ids."""

    command: ClassVar[str] = "txn list"
    states: tuple[str, ...] = ()
    open_for_ms: int | None = None


class TxnDescribe(Request):
    """Describe transactional ids."""

    command: ClassVar[str] = "txn describe"
    ids: tuple[str, ...]


class TxnProducers(Request):
    """Show the producers of partitions, or the hanging transactions among them."""

    command: ClassVar[str] = "txn producers"
    topics: tuple[TopicScope, ...]
    """Empty: every topic."""
    hanging: bool = False
    older_than_ms: int | None = None


class TxnAbort(Request):
    """End a hanging transaction of one partition."""

    command: ClassVar[str] = "txn abort"
    topic: str
    partition: int
    start_offset: int
    confirmation: Confirmation = Confirmation()


class TxnFence(Request):
    """Fence the producers of transactional ids."""

    command: ClassVar[str] = "txn fence"
    ids: tuple[str, ...]
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("txn", "Transactions: list, describe, find those that hang, abort them.")

_ANSWER = [*output_options(), *connection_options()]


@leaf("list", parent=COMMAND, options=[*output_options(watch=True), *connection_options()])
@click.option("--state", "states", multiple=True, metavar="STATE", help="Only in this state, e.g. Ongoing; repeatable.")
@click.option("--open-for", "open_for_ms", type=Duration(), metavar="DURATION", help="Only those open for longer.")
def txn_list(*, shared: Shared, states: tuple[str, ...], open_for_ms: int | None) -> Request:
    """List transactional ids with their state and coordinator.

    Example: kcon txn list --state Ongoing
    """
    return TxnList(shared=shared, states=states, open_for_ms=open_for_ms)


@leaf("describe", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def txn_describe(*, shared: Shared, ids: tuple[str, ...]) -> Request:
    """Describe transactional ids: producer, timeout, since when it is open, and in which partitions.

    Example: kcon txn describe payments-1
    """
    return TxnDescribe(shared=shared, ids=ids)


@leaf("producers", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("topics", metavar="TOPIC[:P]...", nargs=-1, required=True, type=Scope())
def txn_producers(*, shared: Shared, topics: tuple[TopicScope, ...]) -> Request:
    """Show the producers that the leaders of partitions know, and where their open transactions start.

    Example: kcon txn producers orders:0
    """
    return TxnProducers(shared=shared, topics=topics)


@leaf("hanging", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("topics", metavar="[TOPIC[:P]]...", nargs=-1, type=Scope())
@click.option(
    "--older-than", "older_than_ms", type=Duration(), metavar="DURATION", help="Silent for longer; 15m by default."
)
def txn_hanging(*, shared: Shared, topics: tuple[TopicScope, ...], older_than_ms: int | None) -> Request:
    """Find open transactions that no coordinator will end: they hold back every read_committed consumer.

    Example: kcon txn hanging
    """
    return TxnProducers(shared=shared, topics=topics, hanging=True, older_than_ms=older_than_ms)


@leaf("abort", parent=COMMAND, options=_ANSWER)
@click.argument("topic", metavar="TOPIC")
@click.option("-p", "--partition", type=click.IntRange(min=0), required=True, metavar="N", help="The partition.")
@click.option(
    "--start-offset",
    type=click.IntRange(min=0),
    required=True,
    metavar="N",
    help="Where the transaction starts, as `kcon txn hanging` says.",
)
@takes_confirmation
def txn_abort(
    *,
    shared: Shared,
    topic: str,
    partition: int,
    start_offset: int,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """End a hanging transaction of one partition by force. Its records stay invisible to read_committed.

    Example: kcon txn abort orders -p 0 --start-offset 48211
    """
    return TxnAbort(
        shared=shared,
        topic=topic,
        partition=partition,
        start_offset=start_offset,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("fence", parent=COMMAND, options=_ANSWER)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@takes_confirmation
def txn_fence(*, shared: Shared, ids: tuple[str, ...], dry_run: bool, yes: bool, confirm: str | None) -> Request:
    """Fence the producers of transactional ids: what they have open is aborted, and they can write no more.

    For a producer that hangs and holds its transaction open. Whoever uses the id next begins anew.

    Example: kcon txn fence payments-1
    """
    return TxnFence(shared=shared, ids=ids, confirmation=confirmation(dry_run, yes, confirm))
