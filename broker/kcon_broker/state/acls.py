"""Which access rules were created, and which of them does a filter mean?

Rules are kept and told. Nothing enforces them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

UNKNOWN, ANY, MATCH = 0, 1, 2
"""Of every enumeration 0 is what nobody knows, 1 any value of a filter; 2 is a match of patterns."""
LITERAL, PREFIXED = 3, 4
WILDCARD = "*"
CLUSTER_NAME = "kafka-cluster"

_RESOURCE_TYPES = range(2, 8)
"""Topic, group, cluster, transactional id, delegation token, user (`ResourceType`)."""
CLUSTER_RESOURCE = 4
_OPERATIONS = range(2, 16)
"""All, read, write, ... describe tokens, two-phase commit (`AclOperation`)."""
_PERMISSIONS = range(2, 4)
"""Deny and allow (`AclPermissionType`)."""
_PATTERNS = range(LITERAL, PREFIXED + 1)


@dataclass(frozen=True, slots=True)
class AclBinding:
    """One rule: who may, or may not, do what on which resources from where. Numbers are Kafka's codes."""

    resource_type: int
    resource_name: str
    pattern_type: int
    principal: str
    host: str
    operation: int
    permission_type: int


@dataclass(frozen=True, slots=True)
class AclFilter:
    """Which rules are meant; None and ANY mean all."""

    resource_type: int
    resource_name: str | None
    pattern_type: int
    principal: str | None
    host: str | None
    operation: int
    permission_type: int

    def matches(self, binding: AclBinding) -> bool:
        """Tell whether a rule is meant (`AclBindingFilter.matches`)."""
        return (
            self.resource_type in (ANY, binding.resource_type)
            and self._matches_pattern(binding)
            and self.principal in (None, binding.principal)
            and self.host in (None, binding.host)
            and self.operation in (ANY, binding.operation)
            and self.permission_type in (ANY, binding.permission_type)
        )

    def _matches_pattern(self, binding: AclBinding) -> bool:
        if self.pattern_type not in (ANY, MATCH, binding.pattern_type):
            return False
        if self.resource_name is None:
            return True
        if self.pattern_type != MATCH:
            return self.resource_name == binding.resource_name
        if binding.pattern_type == LITERAL:
            return binding.resource_name in (self.resource_name, WILDCARD)
        return self.resource_name.startswith(binding.resource_name)


def is_binding_known(binding: AclBinding) -> bool:
    """Tell whether every code of a rule to be created is one of a rule, not of a filter."""
    return (
        binding.resource_type in _RESOURCE_TYPES
        and binding.pattern_type in _PATTERNS
        and binding.operation in _OPERATIONS
        and binding.permission_type in _PERMISSIONS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AclsCreated:
    """These rules are in force."""

    bindings: tuple[AclBinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AclsDeleted:
    """These rules are no more."""

    bindings: tuple[AclBinding, ...]


class AclTable:
    """All rules, in the order in which they were created."""

    def __init__(self) -> None:
        self._bindings: dict[AclBinding, None] = {}

    def __contains__(self, binding: AclBinding) -> bool:
        return binding in self._bindings

    def matching(self, wanted: AclFilter) -> list[AclBinding]:
        """Return the rules that a filter means."""
        return [binding for binding in self._bindings if wanted.matches(binding)]

    def apply(self, change: AclsCreated | AclsDeleted) -> None:
        """Change the rules."""
        match change:
            case AclsCreated():
                self._bindings.update(dict.fromkeys(change.bindings))
            case AclsDeleted():
                for binding in change.bindings:
                    self._bindings.pop(binding, None)

    def snapshot(self) -> Iterable[AclsCreated]:
        """Yield changes that lead from nothing to the present rules."""
        for binding in self._bindings:
            yield AclsCreated(bindings=(binding,))
