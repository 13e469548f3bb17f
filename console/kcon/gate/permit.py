"""May this mutation be sent? A `Permit` says yes: once, for one context, one operation and named targets.

Only `Gate.authorise` mints one. The senders (admin, records, http) want a permit for every request that mutates
and check it again beside the socket, so a screen that forgets to ask cannot change a cluster.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final, NoReturn, final

from kcon.errors import RefusedError


class Operation(Enum):
    """What a permit allows. The value is what the audit line says."""

    TOPIC_CREATE = "topic.create"
    TOPIC_DELETE = "topic.delete"
    OFFSETS_COMMIT = "offsets.commit"
    OFFSETS_DELETE = "offsets.delete"
    GROUP_DELETE = "group.delete"
    GROUP_CONSUME = "group.consume"
    """Join a group and commit to it."""
    PRODUCE = "produce"
    CONFIG_ALTER = "config.alter"
    PARTITIONS_ADD = "partitions.add"
    RECORDS_DELETE = "records.delete"
    LEADERS_ELECT = "leaders.elect"
    REASSIGN = "reassign"
    ACL_CREATE = "acl.create"
    ACL_DELETE = "acl.delete"
    QUOTA_ALTER = "quota.alter"
    USER_ALTER = "user.alter"
    DELEGATION_ALTER = "delegation.alter"
    """Make, renew or end a delegation token."""
    TXN_ABORT = "txn.abort"
    PRODUCER_FENCE = "producer.fence"
    MEMBERS_REMOVE = "members.remove"
    REPLICAS_MOVE = "replicas.move"
    """To another disk of the same broker."""
    BROKER_UNREGISTER = "broker.unregister"
    FEATURES_UPDATE = "features.update"
    QUORUM_CHANGE = "quorum.change"
    """Let a controller vote, or take its vote away."""
    RAW = "raw"
    """A request that the user wrote field by field."""


class _Mint:
    """The proof of origin: held by `gate.py` alone."""


MINT: Final = _Mint()


@final
class Permit:
    """The right to run one operation on named targets of one context, once.

    targets: raw topic names, group ids, or `type:name` for configs, users and the like.
    """

    __slots__ = ("_active", "_context", "_id", "_operation", "_targets", "_used")

    def __init__(
        self, mint: _Mint, *, permit_id: str, context: str, operation: Operation, targets: frozenset[str]
    ) -> None:
        if mint is not MINT:
            _forged()
        self._id = permit_id
        self._context = context
        self._operation = operation
        self._targets = targets
        self._used = False
        self._active = False

    def __init_subclass__(cls) -> None:
        _forged()

    def __copy__(self) -> NoReturn:
        _forged()

    def __deepcopy__(self, memo: object) -> NoReturn:
        _forged()

    def __reduce__(self) -> NoReturn:
        _forged()

    @property
    def id(self) -> str:
        """The id that the audit lines of this permission share."""
        return self._id

    @property
    def context(self) -> str:
        """The name of the context it is for."""
        return self._context

    @property
    def operation(self) -> Operation:
        """What it allows."""
        return self._operation

    @property
    def targets(self) -> frozenset[str]:
        """The raw names it allows it on."""
        return self._targets

    @contextmanager
    def use(self, *, context: str, operation: Operation, targets: Iterable[str]) -> Iterator[None]:
        """Spend the permit on one call; requests may be sent while the block runs, retries included.

        RefusedError when it is spent already or was given for another context, operation or target.
        """
        wanted = frozenset(targets)
        if self._used:
            raise RefusedError("This permission was used already.", "Make a new plan and confirm it.")
        if context != self.context:
            raise RefusedError(f"This permission is for context {self.context}, not for {context}.")
        self._check(operation, wanted)
        self._used = True
        self._active = True
        try:
            yield
        finally:
            self._active = False

    def check(self, operation: Operation, targets: Iterable[str]) -> None:
        """Check one request beside the socket: the permit is in use and covers it. RefusedError otherwise."""
        if not self._active:
            raise RefusedError("This permission is not in use.", "Make a new plan and confirm it.")
        self._check(operation, frozenset(targets))

    @property
    def is_used(self) -> bool:
        """It was spent, whether or not the call succeeded."""
        return self._used

    def _check(self, operation: Operation, targets: frozenset[str]) -> None:
        if operation is not self.operation:
            raise RefusedError(f"This permission is for {self.operation.value}, not for {operation.value}.")
        if not targets <= self.targets:
            raise RefusedError("This permission does not name every target of the request.")


def _forged() -> NoReturn:
    raise TypeError("A Permit is minted by Gate.authorise only; it cannot be made, copied or stored elsewhere.")
