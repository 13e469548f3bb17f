"""What is in a Java keystore of the old kind (JKS)? Keys and certificates, read without Java.

The layout is that of the JDK's sun.security.provider.JavaKeyStore, everything big-endian:

    uint32 magic FEEDFEED | uint32 version 1 or 2 | uint32 count
    count x ( uint32 tag | utf alias | int64 created_ms | entry )
        tag 1, a private key:  uint32 size + EncryptedPrivateKeyInfo | uint32 count x certificate
        tag 2, a certificate:  certificate
    certificate: (version 2) utf type | uint32 size + DER
    20 bytes SHA-1 of password (UTF-16BE), "Mighty Aphrodite" and all bytes before

A PKCS12 file is no such file, whatever its name ends with: keytool writes PKCS12 since Java 9.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"\xfe\xed\xfe\xed"
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
_WHITENER: Final = b"Mighty Aphrodite"
_DIGEST_BYTES: Final = 20
_PROTECTOR: Final = bytes.fromhex("060a2b060104012a02110101")
"""OID 1.3.6.1.4.1.42.2.17.1.1: the proprietary key protection of the JDK."""
_TAG_KEY: Final = 1
_TAG_CERTIFICATE: Final = 2


class JksError(ValueError):
    """The file is no JKS keystore, is damaged, or the password is wrong. The text names which."""


class JksPasswordError(JksError):
    """The password does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JksKey:
    """A private key, still protected, with its certificates in DER, its own first."""

    alias: str
    protected: bytes
    chain: tuple[bytes, ...]

    def open(self, password: str) -> bytes:
        """Return the key as PKCS8 in DER. JksPasswordError when the password is not the key's."""
        return _unprotect(_protected_bytes(self.protected), password)


@dataclass(frozen=True, slots=True, kw_only=True)
class JksFile:
    """A keystore as read."""

    keys: tuple[JksKey, ...]
    certificates: tuple[bytes, ...]
    """The trusted certificates, in DER."""


def is_jks(content: bytes) -> bool:
    """Tell whether this is a JKS keystore, by its first bytes."""
    return content.startswith(MAGIC)


def read_jks(content: bytes, password: str | None) -> JksFile:
    """Read a keystore. password: of the store, which proves it whole; None: it is not checked.

    JksError says what is off.
    """
    if not is_jks(content) or len(content) > FILE_BYTES_MAX:
        raise JksError("it is no JKS keystore")
    if password is not None:
        told = hashlib.sha1(_utf16(password) + _WHITENER + content[:-_DIGEST_BYTES], usedforsecurity=False).digest()
        if not hmac.compare_digest(told, content[-_DIGEST_BYTES:]):
            raise JksPasswordError("the password is not the keystore's, or the file is damaged")
    reader = _Reader(content[:-_DIGEST_BYTES])
    reader.take(len(MAGIC))
    version = reader.uint32()
    if version not in {1, 2}:
        raise JksError(f"its version {version} is not known")
    keys: list[JksKey] = []
    certificates: list[bytes] = []
    for _ in range(reader.count()):
        tag = reader.uint32()
        alias = reader.utf()
        reader.take(8)
        if tag == _TAG_KEY:
            protected = reader.block()
            chain = tuple(reader.certificate(version) for _ in range(reader.count()))
            keys.append(JksKey(alias=alias, protected=protected, chain=chain))
        elif tag == _TAG_CERTIFICATE:
            certificates.append(reader.certificate(version))
        else:
            raise JksError("it is damaged")
    return JksFile(keys=tuple(keys), certificates=tuple(certificates))


class _Reader:
    """Takes bytes from the front. JksError at the end of them; nothing is allocated by a size that is only told."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0

    def take(self, size: int) -> bytes:
        end = self._offset + size
        if end > len(self._content):
            raise JksError("it is cut short")
        part = self._content[self._offset : end]
        self._offset = end
        return part

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def count(self) -> int:
        count = self.uint32()
        if count > len(self._content) - self._offset:
            raise JksError("it is damaged")
        return count

    def block(self) -> bytes:
        return self.take(self.uint32())

    def utf(self) -> str:
        return self.take(struct.unpack(">H", self.take(2))[0]).decode("utf-8", "replace")

    def certificate(self, version: int) -> bytes:
        if version == 2:
            self.utf()  # X.509, the only kind there is.
        return self.block()


def _protected_bytes(info: bytes) -> bytes:
    """Return the octets in an EncryptedPrivateKeyInfo (RFC 5958): SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }."""
    outer, end = _der(info, 0, 0x30)
    algorithm, after = _der(outer, 0, 0x30)
    if end != len(info) or not algorithm.startswith(_PROTECTOR):
        raise JksError("a key in it is protected in a way that is not known")
    octets, _ = _der(outer, after, 0x04)
    return octets


def _der(content: bytes, offset: int, tag: int) -> tuple[bytes, int]:
    """Return the content of the value at the offset, and where the next one begins."""
    damaged = JksError("a key in it is damaged")
    if len(content) < offset + 2 or content[offset] != tag:
        raise damaged
    size, start = content[offset + 1], offset + 2
    if size & 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4:
            raise damaged
        size, start = int.from_bytes(content[start : start + width], "big"), start + width
    if start + size > len(content):
        raise damaged
    return content[start : start + size], start + size


def _unprotect(protected: bytes, password: str) -> bytes:
    """Undo sun.security.provider.KeyProtector: salt 20 | key XOR SHA-1 stream | SHA-1(password, key) 20."""
    if len(protected) < 2 * _DIGEST_BYTES:
        raise JksError("a key in it is damaged")
    salt, masked, told = protected[:20], protected[20:-20], protected[-20:]
    secret = _utf16(password)
    stream, digest = bytearray(), salt
    while len(stream) < len(masked):
        digest = hashlib.sha1(secret + digest, usedforsecurity=False).digest()
        stream += digest
    key = bytes(a ^ b for a, b in zip(masked, stream, strict=False))
    if not hmac.compare_digest(hashlib.sha1(secret + key, usedforsecurity=False).digest(), told):
        raise JksPasswordError("the password is not the key's")
    return key


def _utf16(password: str) -> bytes:
    return password.encode("utf-16-be", "surrogatepass")
