"""Which node is the active controller? The leader of the metadata quorum, where the cluster tells it."""

from typing import Protocol

from kcon.core.broker_facts import Quorum
from kcon.core.snapshot import ClusterInfo
from kcon.errors import AuthError, KconError


class QuorumSource(Protocol):
    """The question of the admin client."""

    async def quorum(self) -> Quorum:
        """Return the metadata quorum."""


async def active_controller(admin: QuorumSource, info: ClusterInfo) -> int | None:
    """Return the node id of the active controller, or None when nobody knows.

    On KRaft the controller of a Metadata answer is any live broker, to which requests may go (KIP-590); only the
    quorum tells which node it is. A cluster without a quorum means what it says.
    """
    try:
        return (await admin.quorum()).leader_id
    except AuthError:
        return None
    except KconError:
        return info.controller_id if info.controller_id >= 0 else None
