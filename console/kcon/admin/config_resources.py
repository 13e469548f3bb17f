"""Which things have configs of their own? ListConfigResources (KIP-1142), and client metrics alone before 4.1."""

from collections.abc import Collection

from kcon.admin.apis import Api
from kcon.admin.calls import ask_whole
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.wire_text import WireText


async def list_config_resources(
    cluster: Cluster, types: Collection[ResourceType], deadline: Deadline
) -> list[ConfigResource]:
    """Return the resources of these types, sorted. KconError where the cluster is too old to tell them."""
    only_metrics = set(types) == {ResourceType.CLIENT_METRICS}
    request = ReadRequest(
        api=Api.LIST_CONFIG_RESOURCES,
        values={"resource_types": [int(each) for each in types]},
        droppable=frozenset({"resource_types"}) if only_metrics else frozenset(),
        version_min=0 if only_metrics else 1,
    )
    told = await ask_whole(cluster, request, deadline)
    found = [
        ConfigResource(
            ResourceType(getattr(item, "resource_type", int(ResourceType.CLIENT_METRICS))),
            WireText(item.resource_name),
        )
        for item in told.config_resources
    ]
    return sorted(found, key=lambda each: (each.type, each.name.raw))
