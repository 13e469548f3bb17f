"""The requests about configs, from what shall be in them: one way to say it for all kinds of resources."""

from collections.abc import Sequence
from typing import Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages import alter_configs, incremental_alter_configs
from kcon_broker.wire.messages.alter_configs import AlterConfigsRequest
from kcon_broker.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from kcon_broker.wire.messages.incremental_alter_configs import IncrementalAlterConfigsRequest
from tests.differential.generators.draw import Draw
from tests.differential.session import Step

SET, DELETE, APPEND, SUBTRACT = range(4)
Changes = list[tuple[str, int, str | None]]
"""Configs, each with an operation and a value."""
_TOPIC, _BROKER, _CLIENT_METRICS, _GROUP = 2, 4, 16, 32
_OF_RUNS: Final = (_TOPIC, _CLIENT_METRICS, _GROUP)
"""Types of resources that a run names after itself."""


def describe(draw: Draw, label: str, resources: list[DescribeConfigsResource], **options: object) -> Step:
    """Describe resources."""
    synonyms, documentation = draw.pick(False, True), draw.pick(False, True)
    return draw.step(
        f"{label}, synonyms {synonyms}, documentation {documentation}",
        lambda _: DescribeConfigsRequest(
            resources=resources, include_synonyms=synonyms, include_documentation=documentation
        ),
        **options,
    )


def resource(kind: int, name: str, keys: list[str] | None = None) -> DescribeConfigsResource:
    """Return a resource to describe."""
    return DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)


def alter(
    draw: Draw,
    label: str,
    resources: list[tuple[int, str, Changes]],
    *,
    only: bool | None = None,
    undo: Sequence[Step] = (),
    **options: object,
) -> Step:
    """Change configs: as the API of the draw does, which for AlterConfigs means to set them all.

    `only`: to validate them and no more, by chance where it is None; `undo` takes the changes back.
    """
    only = draw.rng.random() < 0.3 if only is None else only
    request: IncrementalAlterConfigsRequest | AlterConfigsRequest
    if draw.key == ApiKey.ALTER_CONFIGS:
        request = AlterConfigsRequest(
            resources=[
                alter_configs.AlterConfigsResource(
                    resource_type=kind,
                    resource_name=name,
                    configs=[alter_configs.AlterableConfig(name=key, value=value) for key, _, value in changes],
                )
                for kind, name, changes in resources
            ],
            validate_only=only,
        )
    else:
        request = IncrementalAlterConfigsRequest(
            resources=[
                incremental_alter_configs.AlterConfigsResource(
                    resource_type=kind,
                    resource_name=name,
                    configs=[
                        incremental_alter_configs.AlterableConfig(name=key, config_operation=operation, value=value)
                        for key, operation, value in changes
                    ],
                )
                for kind, name, changes in resources
            ],
            validate_only=only,
        )
    shown = [
        resource(kind, name, [key for key, _, _ in changes] if kind == _BROKER else None)
        for kind, name, changes in resources[:1]
        if (kind == _BROKER and undo) or (kind in _OF_RUNS and name.startswith(draw.prefix))
    ]
    after = draw.other(
        ApiKey.DESCRIBE_CONFIGS,
        4,
        "the configs after it",
        lambda _: DescribeConfigsRequest(resources=shown, include_synonyms=True),
    )
    return draw.step(
        f"{label}: {resources}{', validate only' if only else ''}",
        lambda _: request,
        settle=not only,
        after=[*([after] if shown else ()), *undo],
        **options,
    )
