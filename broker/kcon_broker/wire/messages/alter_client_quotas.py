"""AlterClientQuotas (API key 49): request and response, versions 0 to 1, flexible since 1."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class EntityData(Struct):
    __slots__ = ("entity_name", "entity_type")
    FIELDS = (
        Field("entity_type", "string", "0+"),
        Field("entity_name", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, entity_type: str = "", entity_name: str | None = "") -> None:
        self.entity_type = entity_type
        self.entity_name = entity_name


class OpData(Struct):
    __slots__ = ("key", "remove", "value")
    FIELDS = (
        Field("key", "string", "0+"),
        Field("value", "float64", "0+"),
        Field("remove", "bool", "0+"),
    )

    def __init__(self, *, key: str = "", value: float = 0.0, remove: bool = False) -> None:
        self.key = key
        self.value = value
        self.remove = remove


class EntryData(Struct):
    __slots__ = ("entity", "ops")
    FIELDS = (
        Field("entity", EntityData, "0+", array=True),
        Field("ops", OpData, "0+", array=True),
    )

    def __init__(self, *, entity: list[EntityData] = EMPTY, ops: list[OpData] = EMPTY) -> None:
        self.entity: list[EntityData] = [] if entity is EMPTY else entity
        self.ops: list[OpData] = [] if ops is EMPTY else ops


class AlterClientQuotasRequest(ApiMessage):
    __slots__ = ("entries", "validate_only")
    API_KEY = 49
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 1
    FIELDS = (
        Field("entries", EntryData, "0+", array=True),
        Field("validate_only", "bool", "0+"),
    )

    def __init__(self, *, entries: list[EntryData] = EMPTY, validate_only: bool = False) -> None:
        self.entries: list[EntryData] = [] if entries is EMPTY else entries
        self.validate_only = validate_only


class AlterClientQuotasResponseEntryData(Struct):
    __slots__ = ("entity", "error_code", "error_message")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("entity", EntityData, "0+", array=True),
    )

    def __init__(
        self, *, error_code: int = 0, error_message: str | None = "", entity: list[EntityData] = EMPTY
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.entity: list[EntityData] = [] if entity is EMPTY else entity


class AlterClientQuotasResponse(ApiMessage):
    __slots__ = ("entries", "throttle_time_ms")
    API_KEY = 49
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 1
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("entries", AlterClientQuotasResponseEntryData, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, entries: list[AlterClientQuotasResponseEntryData] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.entries: list[AlterClientQuotasResponseEntryData] = [] if entries is EMPTY else entries
