"""SaslHandshake (API key 17): request and response, versions 0 to 1, never flexible."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field


class SaslHandshakeRequest(ApiMessage):
    __slots__ = ("mechanism",)
    API_KEY = 17
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIELDS = (Field("mechanism", "string", "0+"),)

    def __init__(self, *, mechanism: str = "") -> None:
        self.mechanism = mechanism


class SaslHandshakeResponse(ApiMessage):
    __slots__ = ("error_code", "mechanisms")
    API_KEY = 17
    MIN_VERSION = 0
    MAX_VERSION = 1
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("mechanisms", "string", "0+", array=True),
    )

    def __init__(self, *, error_code: int = 0, mechanisms: list[str] = EMPTY) -> None:
        self.error_code = error_code
        self.mechanisms: list[str] = [] if mechanisms is EMPTY else mechanisms
