"""Read the header of a request and write the header of an answer.

    request   api_key int16 | api_version int16 | correlation_id int32 | client_id nullable string | tags (flexible)
    response  correlation_id int32 | tags (flexible, but never for ApiVersions: KIP-511)

`client_id` keeps its two-byte length in flexible versions too (RequestHeader.json).
"""

from struct import Struct as Packer
from struct import error as StructError  # noqa: N812  # An exception class with a lower-case name.
from typing import Final, NamedTuple

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE, ApiSpec
from kcon_broker.wire.schema import Buffer, WireError
from kcon_broker.wire.varint import skip_tags

_FIXED: Final = Packer(">hhih")
_CORRELATION: Final = Packer(">i")
_CORRELATION_AND_TAGS: Final = Packer(">iB")


class RequestHeader(NamedTuple):
    """Whose answer is awaited, and how the body is to be read. The version may be one that nobody supports."""

    api_key: ApiKey
    api_version: int
    correlation_id: int
    client_id: str | None

    @property
    def spec(self) -> ApiSpec:
        """Return the facts about the API."""
        return API_TABLE[self.api_key]

    @property
    def is_supported(self) -> bool:
        """Say whether Kafka 4.3 defines this version."""
        spec = self.spec
        return spec.min_version <= self.api_version <= spec.max_version

    def encode(self) -> bytes:
        """Return the bytes of the header, as a client sends them."""
        client_id = self.client_id.encode() if self.client_id is not None else b""
        size = -1 if self.client_id is None else len(client_id)
        tags = b"\0" if self.spec.is_flexible(self.api_version) else b""
        return _FIXED.pack(self.api_key, self.api_version, self.correlation_id, size) + client_id + tags


def decode_request_header(frame: memoryview) -> tuple[RequestHeader, int]:
    """Return the header of a request and the offset of its body. Raises WireError, also for an unknown key."""
    if len(frame) < _FIXED.size:
        raise WireError("a request is shorter than its header")
    key, version, _, _ = _FIXED.unpack_from(frame)
    spec = API_TABLE.get(key)
    if spec is None:
        raise WireError(f"unknown API key {key}")
    correlation_id, client_id, end = read_request_header(frame, is_flexible=spec.is_flexible(version))
    return RequestHeader(ApiKey(key), version, correlation_id, client_id), end


def read_request_header(frame: memoryview, *, is_flexible: bool) -> tuple[int, str | None, int]:
    """Return the correlation id, the client id and the offset of the body, where API and version are known already.

    Raises WireError.
    """
    try:
        _, _, correlation_id, size = _FIXED.unpack_from(frame)
        end = _FIXED.size
        client_id = None
        if size >= 0:
            end += size
            if end > len(frame):
                raise WireError("a client id is longer than its request")
            client_id = str(frame[_FIXED.size : end], "utf-8")
        if is_flexible:
            end = end + 1 if frame[end] == 0 else skip_tags(frame, end)
    except UnicodeDecodeError as invalid:
        raise WireError("a client id is not UTF-8") from invalid
    except (IndexError, StructError) as cut:
        raise WireError("a request is shorter than its header") from cut
    return correlation_id, client_id, end


def encode_response_header(api_key: int, version: int, correlation_id: int) -> bytes:
    """Return the header of the answer to a request of this API and version."""
    if api_key != ApiKey.API_VERSIONS and API_TABLE[api_key].is_flexible(version):
        return _CORRELATION_AND_TAGS.pack(correlation_id, 0)
    return _CORRELATION.pack(correlation_id)


def response_frame(api_key: int, version: int, correlation_id: int, body: list[Buffer]) -> list[Buffer]:
    """Return the buffers of a whole answer: size, header and body, ready to be sent in order."""
    header = encode_response_header(api_key, version, correlation_id)
    size = len(header) + sum(map(len, body))
    return [_CORRELATION.pack(size) + header, *body]
