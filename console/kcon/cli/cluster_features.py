"""`kcon cluster features`: shows the levels of features, and changes them."""

from collections.abc import Mapping

from kcon.admin.client import Admin
from kcon.admin.features import LevelChange
from kcon.admin.requests import feature_target
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Value
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.cluster import ClusterFeatures
from kcon.core.kafka_error import KafkaError
from kcon.core.release_levels import levels_of_release
from kcon.gate.permit import Operation, Permit
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session

_FEATURE_COLUMNS = (
    Column(key="name"),
    Column(key="finalized", right=True),
    Column(key="supported_min", header="FROM", right=True),
    Column(key="supported_max", header="TO", right=True),
)


async def run_features(request: ClusterFeatures, invocation: Invocation, session: Session) -> int:
    """Execute the request."""
    return await (_change if request.levels or request.release else _show)(request, invocation, session)


async def _show(_request: ClusterFeatures, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        told = await (await session.admin()).features()
    return invocation.show(
        Document(
            kind="Features",
            context=invocation.context.name,
            columns=_FEATURE_COLUMNS,
            items=[
                {
                    "name": each.name,
                    "finalized": each.finalized,
                    "supported_min": each.supported_min,
                    "supported_max": each.supported_max,
                }
                for each in told.features.values()
            ],
        )
    )


_WAY = {False: "below the level that", True: "above the level that"}


def _levels_to_change(release: str, current: Mapping[str, int], *, downgrade: bool) -> dict[str, int]:
    """Return the features that a release has at another level, in the way asked for; those not told of are off.

    Not kraft.version: it changes how the controllers find each other, and wants to be named.
    """
    return {
        name: level
        for name, level in levels_of_release(release).items()
        if name != "kraft.version" and (level < current.get(name, 0) if downgrade else level > current.get(name, 0))
    }


_CHANGE_COLUMNS = (Column(key="name"), Column(key="current", right=True), Column(key="new", right=True))


async def _change(request: ClusterFeatures, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.FEATURES_UPDATE, request.confirmation)
    async with invocation.deadline():
        told = await (await session.admin()).features()
    current = {name: feature.finalized or 0 for name, feature in told.features.items()}
    levels = dict(request.levels)
    if request.release is not None:
        levels = _levels_to_change(request.release, current, downgrade=request.downgrade)
    way = LevelChange.UPGRADE
    if request.downgrade:
        way = LevelChange.UNSAFE_DOWNGRADE if request.unsafe else LevelChange.SAFE_DOWNGRADE

    async def send(admin: Admin, permit: Permit) -> Mapping[str, KafkaError | None]:
        return await admin.update_features(levels, way, permit)

    async def check(admin: Admin) -> Mapping[str, KafkaError | None]:
        return await admin.update_features(levels, way, None, validate_only=True)

    changes = ItemChanges(
        operation=Operation.FEATURES_UPDATE,
        targets=frozenset(feature_target(name) for name in levels),
        keys=tuple(levels),
        label=lambda name: f"feature {name}",
        send=send,
        check=check,
    )
    shape = Shape(
        kind="FeatureUpdate",
        columns=_CHANGE_COLUMNS,
        question=f"Change the level of {', '.join(levels)}?",
        planned="to be changed",
        done="changed",
        what="features",
        notes=[]
        if levels
        else [f"Nothing to change: no feature is {_WAY[request.downgrade]} {request.release} has it."],
    )

    def item(name: str) -> Mapping[str, Value]:
        return {"name": name, "current": current.get(name), "new": levels[name]}

    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=item)
