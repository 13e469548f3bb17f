"""Headers of requests and answers, good and bad."""

import io

import pytest
from kio.schema.request_header.v1.header import RequestHeader as KioHeader1
from kio.schema.request_header.v2.header import RequestHeader as KioHeader2
from kio.serial import entity_writer
from kio.static.primitive import i16, i32

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.headers import RequestHeader, decode_request_header, encode_response_header, response_frame
from kcon_broker.wire.schema import WireError


@pytest.mark.parametrize("client_id", [None, "", "rdkafka", "ü"])
@pytest.mark.parametrize("version", [8, 9])
def test_request_header_equals_kio(client_id: str | None, version: int) -> None:
    """Produce 8 has header version 1, Produce 9 version 2, both with the short client id."""
    kio_class = KioHeader1 if version == 8 else KioHeader2
    out = io.BytesIO()
    header = kio_class(
        request_api_key=i16(0), request_api_version=i16(version), correlation_id=i32(77), client_id=client_id
    )
    entity_writer(kio_class)(out, header)
    frame = out.getvalue() + b"body"
    decoded, offset = decode_request_header(memoryview(frame))
    assert decoded == (ApiKey.PRODUCE, version, 77, client_id)
    assert frame[offset:] == b"body"
    assert decoded.encode() + b"body" == frame


def test_tags_of_a_header_are_skipped() -> None:
    """Flexible request headers may carry tags that nobody knows."""
    frame = RequestHeader(ApiKey.PRODUCE, 9, 1, "a").encode()[:-1] + b"\1\5\2xy" + b"body"
    header, offset = decode_request_header(memoryview(frame))
    assert header.client_id == "a"
    assert frame[offset:] == b"body"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0\0\0\x09\0\0\0\1",
        b"\0\0\0\x09\0\0\0\1\0\5ab",
        b"\0\0\0\x09\0\0\0\1\0\2ab",
        b"\0\0\0\x09\0\0\0\1\0\2ab\xff",
        b"\0\0\0\x09\0\0\0\1\0\2ab\1\1\7",
        b"\0\0\0\x08\0\0\0\1\0\2\xff\xfe",
        b"\0\x04\0\x00\0\0\0\1\xff\xff",
        b"\x7f\xff\0\x00\0\0\0\1\xff\xff",
        b"\xff\xff\0\x00\0\0\0\1\xff\xff",
    ],
)
def test_bad_headers_raise_wire_error(frame: bytes) -> None:
    """Too short, lying, not UTF-8, and keys of controllers, unknown and negative ones: the connection is closed."""
    with pytest.raises(WireError):
        decode_request_header(memoryview(frame))


def test_unsupported_versions_have_a_header_too() -> None:
    """ApiVersions has to answer them, negative ones included."""
    for version in (-1, 5, 32767):
        tags = b"\0" if version > 0 else b""
        frame = b"\0\x12" + version.to_bytes(2, "big", signed=True) + b"\0\0\0\7\xff\xff" + tags
        header, offset = decode_request_header(memoryview(frame))
        assert (header.api_version, header.correlation_id, header.client_id) == (version, 7, None)
        assert offset == len(frame)
        assert not header.is_supported


def test_is_supported_at_the_borders() -> None:
    """Produce is 3 to 13."""
    supported = [v for v in range(-1, 16) if RequestHeader(ApiKey.PRODUCE, v, 0, None).is_supported]
    assert supported == list(range(3, 14))


def test_response_header_of_api_versions_is_never_flexible() -> None:
    """One more byte there makes clients allocate gigabytes (KIP-511)."""
    assert encode_response_header(ApiKey.API_VERSIONS, 4, 7) == b"\0\0\0\7"
    assert encode_response_header(ApiKey.PRODUCE, 9, 7) == b"\0\0\0\7\0"
    assert encode_response_header(ApiKey.PRODUCE, 8, 7) == b"\0\0\0\7"


def test_response_frame_has_size_header_and_body() -> None:
    """The size counts what follows it."""
    frame = response_frame(ApiKey.PRODUCE, 9, 7, [b"ab", memoryview(b"cde")])
    assert b"".join(frame) == b"\0\0\0\x0a\0\0\0\7\0abcde"
    assert b"".join(response_frame(ApiKey.HEARTBEAT, 0, -1, [])) == b"\0\0\0\4\xff\xff\xff\xff"


def test_every_key_has_a_row_and_every_row_a_key() -> None:
    """A key without a row could not be answered."""
    assert set(API_TABLE) == set(ApiKey)
