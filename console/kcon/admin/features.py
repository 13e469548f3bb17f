"""Which features are in force, and how is a level changed? ApiVersions and UpdateFeatures (KIP-584)."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from kcon.admin.apis import Api
from kcon.admin.calls import ask, change, item_error, need, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.decode import decode_response
from kcon.admin.requests import ReadRequest, WriteRequest, feature_target
from kcon.core.broker_facts import Feature, Features
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit


class LevelChange(IntEnum):
    """Which way a level may go; the values are Kafka's."""

    UPGRADE = 1
    SAFE_DOWNGRADE = 2
    """Only where nothing is lost."""
    UNSAFE_DOWNGRADE = 3
    """Even if metadata that the lower level cannot hold is lost."""


async def describe_features(cluster: Cluster, deadline: Deadline) -> Features:
    """Return the features that the answering broker supports and that are finalized (KIP-584)."""
    values = {"client_software_name": "kcon", "client_software_version": "0.1"}
    told = await ask(cluster, ReadRequest(api=Api.API_VERSIONS, values=values, version_min=3), deadline)
    supported = {item.name: item for item in told.supported_features or ()}
    finalized = {item.name: item for item in told.finalized_features or ()}
    features = {}
    for name in sorted({*supported, *finalized}):
        able, level = supported.get(name), finalized.get(name)
        features[name] = Feature(
            name=WireText(name),
            supported_min=able.min_version if able else None,
            supported_max=able.max_version if able else None,
            finalized=level.max_version_level if level else None,
        )
    epoch = told.finalized_features_epoch
    return Features(features, epoch if epoch is not None and epoch >= 0 else None)


async def update_features(
    cluster: Cluster,
    levels: Mapping[str, int],
    way: LevelChange,
    permit: Permit | None,
    *,
    validate_only: bool,
    deadline: Deadline,
) -> dict[str, KafkaError | None]:
    """Set the levels of features (0: off); None for each that is done. One refusal refuses them all."""

    async def send(broker_id: int, names: Sequence[str]) -> Mapping[str, bool | KafkaError]:
        values = {
            "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
            "feature_updates": [
                {"feature": name, "max_version_level": levels[name], "upgrade_type": int(way)} for name in names
            ],
            "validate_only": validate_only,
        }
        to = None if broker_id == NO_BROKER else broker_id
        if validate_only:
            answer = await cluster.send(
                ReadRequest(api=Api.UPDATE_FEATURES, values=values, version_min=1), deadline, to
            )
            told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        else:
            request = WriteRequest(api=Api.UPDATE_FEATURES, values=values, version_min=1)
            told = await change(cluster, request, need(permit, Operation.FEATURES_UPDATE), deadline, to)
        whole = item_error(told)
        # Since version 2 (Kafka 4.0) there is one error for all of them.
        own = {item.feature: item_error(item) for item in getattr(told, "results", ())}
        return {name: own.get(name) or whole or True for name in names}

    async def ask_controller() -> dict[str, bool | KafkaError]:
        return await on_controller(cluster, list(levels), send, deadline, batch_max=max(1, len(levels)))

    if validate_only:
        results = await ask_controller()
    else:
        targets = {feature_target(name) for name in levels}
        granted = need(permit, Operation.FEATURES_UPDATE)
        with granted.use(context=cluster.settings.context, operation=Operation.FEATURES_UPDATE, targets=targets):
            results = await ask_controller()
    return {name: result if isinstance(result, KafkaError) else None for name, result in results.items()}
