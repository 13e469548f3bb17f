"""DescribeClientQuotas (API key 48): request and response, versions 0 to 1, flexible since 1."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class ComponentData(Struct):
    __slots__ = ("entity_type", "match", "match_type")
    FIELDS = (
        Field("entity_type", "string", "0+"),
        Field("match_type", "int8", "0+"),
        Field("match", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, entity_type: str = "", match_type: int = 0, match: str | None = "") -> None:
        self.entity_type = entity_type
        self.match_type = match_type
        self.match = match


class DescribeClientQuotasRequest(ApiMessage):
    __slots__ = ("components", "strict")
    API_KEY = 48
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 1
    FIELDS = (
        Field("components", ComponentData, "0+", array=True),
        Field("strict", "bool", "0+"),
    )

    def __init__(self, *, components: list[ComponentData] = EMPTY, strict: bool = False) -> None:
        self.components: list[ComponentData] = [] if components is EMPTY else components
        self.strict = strict


class EntityData(Struct):
    __slots__ = ("entity_name", "entity_type")
    FIELDS = (
        Field("entity_type", "string", "0+"),
        Field("entity_name", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, entity_type: str = "", entity_name: str | None = "") -> None:
        self.entity_type = entity_type
        self.entity_name = entity_name


class ValueData(Struct):
    __slots__ = ("key", "value")
    FIELDS = (
        Field("key", "string", "0+"),
        Field("value", "float64", "0+"),
    )

    def __init__(self, *, key: str = "", value: float = 0.0) -> None:
        self.key = key
        self.value = value


class EntryData(Struct):
    __slots__ = ("entity", "values")
    FIELDS = (
        Field("entity", EntityData, "0+", array=True),
        Field("values", ValueData, "0+", array=True),
    )

    def __init__(self, *, entity: list[EntityData] = EMPTY, values: list[ValueData] = EMPTY) -> None:
        self.entity: list[EntityData] = [] if entity is EMPTY else entity
        self.values: list[ValueData] = [] if values is EMPTY else values


class DescribeClientQuotasResponse(ApiMessage):
    __slots__ = ("entries", "error_code", "error_message", "throttle_time_ms")
    API_KEY = 48
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 1
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("entries", EntryData, "0+", array=True, nullable="0+"),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        entries: list[EntryData] | None = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.entries: list[EntryData] | None = [] if entries is EMPTY else entries
