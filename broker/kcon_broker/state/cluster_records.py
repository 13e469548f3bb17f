"""What is kept of the cluster beside topics, and how are its changes written in the metadata log?

Configs of brokers, groups and subscriptions, access rules, quotas, credentials and feature levels: each change is one
JSON object, its `type` first, as those of topics are (`topic_records`).
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from kcon_broker.state.acls import AclBinding, AclsCreated, AclsDeleted, AclTable
from kcon_broker.state.client_quotas import ClientQuotaTable, QuotaAltered
from kcon_broker.state.configs.broker_configs import ELR_CONFIG
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.state.features import FeatureLevelSet, FeatureTable
from kcon_broker.state.scram_credentials import ScramCredentialDeleted, ScramCredentialSet, ScramCredentialTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceConfigured:
    """A broker, a group or a subscription has exactly these own configs. The name of all brokers is empty."""

    resource_type: ResourceType
    name: str
    configs: Mapping[str, str]


ClusterChange = (
    ResourceConfigured
    | AclsCreated
    | AclsDeleted
    | QuotaAltered
    | ScramCredentialSet
    | ScramCredentialDeleted
    | FeatureLevelSet
)

_FIRST_CLUSTER_CONFIGS = {ELR_CONFIG: "1"}
"""A new cluster that tracks eligible leader replicas begins with it (KIP-966)."""


class ClusterState:
    """Everything that `ClusterChange`s lead to."""

    def __init__(self) -> None:
        self.acls = AclTable()
        self.quotas = ClientQuotaTable()
        self.credentials = ScramCredentialTable()
        self.features = FeatureTable()
        self.configs: dict[tuple[ResourceType, str], dict[str, str]] = {
            (ResourceType.BROKER, ""): dict(_FIRST_CLUSTER_CONFIGS)
        }
        """Own configs by resource; those of topics are with the topics."""

    def configs_of(self, resource_type: ResourceType, name: str) -> dict[str, str]:
        """Return the own configs of a broker, a group or a subscription."""
        return self.configs.get((resource_type, name), {})

    def names_with_configs(self, resource_type: ResourceType) -> list[str]:
        """Return the resources of one type that have own configs."""
        return [name for kind, name in self.configs if kind is resource_type]

    def apply(self, change: ClusterChange) -> None:
        """Change the state."""
        match change:
            case ResourceConfigured():
                place = change.resource_type, change.name
                if change.configs or place == (ResourceType.BROKER, ""):
                    self.configs[place] = dict(change.configs)
                else:
                    self.configs.pop(place, None)
            case AclsCreated() | AclsDeleted():
                self.acls.apply(change)
            case QuotaAltered():
                self.quotas.apply(change)
            case ScramCredentialSet() | ScramCredentialDeleted():
                self.credentials.apply(change)
            case FeatureLevelSet():
                self.features.apply(change)

    def snapshot(self) -> Iterable[ClusterChange]:
        """Yield changes that lead from a new cluster to the present state."""
        for (resource_type, name), configs in self.configs.items():
            yield ResourceConfigured(resource_type=resource_type, name=name, configs=configs)
        yield from self.acls.snapshot()
        yield from self.quotas.snapshot()
        yield from self.credentials.snapshot()
        yield from self.features.snapshot()


def encode_cluster_change(change: ClusterChange) -> dict[str, object]:
    """Return the record of one change, ready for JSON."""
    match change:
        case ResourceConfigured():
            return {
                "type": "resource_configured",
                "resource_type": int(change.resource_type),
                "name": change.name,
                "configs": dict(change.configs),
            }
        case AclsCreated():
            return {"type": "acls_created", "bindings": [astuple(binding) for binding in change.bindings]}
        case AclsDeleted():
            return {"type": "acls_deleted", "bindings": [astuple(binding) for binding in change.bindings]}
        case QuotaAltered():
            return {"type": "quota_altered", "entity": change.entity, "values": dict(change.values)}
        case ScramCredentialSet():
            return {
                "type": "scram_credential_set",
                "user": change.user,
                "mechanism": change.mechanism,
                "iterations": change.iterations,
                "salt": _text(change.salt),
                "stored_key": _text(change.stored_key),
                "server_key": _text(change.server_key),
            }
        case ScramCredentialDeleted():
            return {"type": "scram_credential_deleted", "user": change.user, "mechanism": change.mechanism}
        case FeatureLevelSet():
            return {"type": "feature_level_set", "name": change.name, "level": change.level}


def decode_cluster_change(fields: Mapping[str, Any]) -> ClusterChange | None:
    """Return the change that a record tells; None: it is of another type. Raises ValueError, KeyError, TypeError."""
    match fields["type"]:
        case "resource_configured":
            return ResourceConfigured(
                resource_type=ResourceType(fields["resource_type"]), name=fields["name"], configs=fields["configs"]
            )
        case "acls_created":
            return AclsCreated(bindings=_bindings(fields))
        case "acls_deleted":
            return AclsDeleted(bindings=_bindings(fields))
        case "quota_altered":
            return QuotaAltered(entity=tuple((kind, name) for kind, name in fields["entity"]), values=fields["values"])
        case "scram_credential_set":
            return ScramCredentialSet(
                user=fields["user"],
                mechanism=fields["mechanism"],
                iterations=fields["iterations"],
                salt=base64.b64decode(fields["salt"]),
                stored_key=base64.b64decode(fields["stored_key"]),
                server_key=base64.b64decode(fields["server_key"]),
            )
        case "scram_credential_deleted":
            return ScramCredentialDeleted(user=fields["user"], mechanism=fields["mechanism"])
        case "feature_level_set":
            return FeatureLevelSet(name=fields["name"], level=fields["level"])
    return None


def _bindings(fields: Mapping[str, Any]) -> tuple[AclBinding, ...]:
    return tuple(AclBinding(*binding) for binding in fields["bindings"])


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
