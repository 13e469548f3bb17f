"""UpdateFeatures (57), versions 0-2: move the levels of features (KIP-584, KIP-778).

All updates of a request are made, or none. v0 can only raise levels; v1: the kind of update, upgrade (1), safe (2) or
unsafe (3) downgrade, and whether to judge only; v2: one result for all (KIP-1022).
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.features import METADATA_VERSION, SUPPORTED, FeatureLevelSet
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)

_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE = 1, 2, 3


@handles(ApiKey.UPDATE_FEATURES, versions=(0, 2))
def handle_update_features(ctx: RequestContext, request: UpdateFeaturesRequest) -> Answer:
    """Make all updates, or say why none."""
    broker = ctx.broker
    kinds = [_UPGRADE if ctx.api_version == 0 else update.upgrade_type for update in request.feature_updates]
    for update, kind in zip(request.feature_updates, kinds, strict=True):
        problem = _problem(broker, update, kind)
        if problem is not None:
            message = "The update failed for all features since the following feature had an error: " + problem
            return Answer(UpdateFeaturesResponse(error_code=ErrorCode.INVALID_UPDATE_VERSION, error_message=message))
    after = [broker.topics_position()]
    for update in request.feature_updates:
        is_new = broker.cluster.features.levels[update.feature] != update.max_version_level
        if is_new and not (request.validate_only and ctx.api_version > 0):
            change = FeatureLevelSet(name=update.feature, level=update.max_version_level)
            after = [broker.change_cluster(change)]
    results = [
        UpdatableFeatureResult(feature=update.feature, error_message="NONE") for update in request.feature_updates
    ]
    return Answer(UpdateFeaturesResponse(error_message=None, results=results), after=after)


def _problem(broker: Broker, update: FeatureUpdateKey, kind: int) -> str | None:
    """Say why a level cannot be; None: it can (`FeatureControlManager`)."""
    name, level = update.feature, update.max_version_level
    begin = f"Invalid update version {level} for feature {name}. "
    if kind not in (_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE):
        return begin + "The controller does not support the given upgrade type."
    feature = SUPPORTED.get(name)
    if level < 0:
        return begin + "A feature version cannot be less than 0."
    if feature is None:
        return begin + f"Local controller {broker.node_id} does not support this feature."
    if not feature.level_min <= level <= feature.level_max:
        return (
            begin + f"Local controller {broker.node_id} only supports versions {feature.level_min}-{feature.level_max}"
        )
    current = broker.cluster.features.levels[name]
    if level >= current:
        return None
    if kind == _UPGRADE:
        return begin + (
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe "
            "downgrade."
        )
    if name == METADATA_VERSION:
        return f"Unsupported metadata.version downgrade from {current} to {level}."
    return None
