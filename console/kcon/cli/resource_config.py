"""`kcon group config`, `broker loggers`, `cluster client-metrics`: shows settings, and changes them."""

from collections.abc import Mapping
from typing import Final

from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.topic_alterations import carry_out_config_edits, config_errors
from kcon.commands.resource_config import BrokerLoggers, ClientMetrics, GroupConfig, ResourceConfig
from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation
from kcon.services.session import Session
from kcon.services.topic_alterations import plan_config_edits

_TYPES: Final[Mapping[type[ResourceConfig], ResourceType]] = {
    GroupConfig: ResourceType.GROUP,
    BrokerLoggers: ResourceType.BROKER_LOGGER,
    ClientMetrics: ResourceType.CLIENT_METRICS,
}
_KINDS: Final = {
    ResourceType.GROUP: ("GroupConfig", "group"),
    ResourceType.BROKER_LOGGER: ("BrokerLoggers", "broker"),
    ResourceType.CLIENT_METRICS: ("ClientMetrics", "subscription"),
}


async def run_resource_config(request: ResourceConfig, invocation: Invocation, session: Session) -> int:
    """Show settings, or change them."""
    of_type = _TYPES[type(request)]
    kind, noun = _KINDS[of_type]
    if request.edits:
        refuse_early(session, Operation.CONFIG_ALTER, request.confirmation)
    named = [ConfigResource(of_type, WireText(name)) for name in dict.fromkeys(request.names)]
    async with invocation.deadline():
        admin = await session.admin()
        resources = named or await admin.config_resources([of_type])
        if request.edits:
            rows, errors, changes = await plan_config_edits(session, resources, request.edits)
        else:
            found = await admin.describe_configs(resources)
    if request.edits:
        return await carry_out_config_edits(
            invocation,
            session,
            request.confirmation,
            (rows, changes),
            kind=f"{kind}Alteration",
            question=f"Change settings of {noun} {', '.join(str(each.name) for each in changes.keys)}?",
            errors=config_errors(errors),
        )
    return invocation.show(_document(request, invocation, kind, noun, found))


def _document(
    request: ResourceConfig,
    invocation: Invocation,
    kind: str,
    noun: str,
    found: Mapping[ConfigResource, Mapping[WireText, ConfigEntry] | KafkaError],
) -> Document:
    items: list[Item] = [
        {
            noun: resource.name,
            "config": entry.name,
            "value": "(hidden)" if entry.sensitive else entry.value,
            "source": entry.source,
        }
        for resource, configs in found.items()
        if not isinstance(configs, KafkaError)
        for entry in sorted(configs.values(), key=lambda each: each.name.raw)
        if request.every or not entry.is_default
    ]
    return Document(
        kind=kind,
        context=invocation.context.name,
        columns=(Column(key=noun), Column(key="config"), Column(key="value"), Column(key="source", drop=1)),
        name_key="config",
        items=items,
        errors=config_errors({each: told for each, told in found.items() if isinstance(told, KafkaError)}),
    )
