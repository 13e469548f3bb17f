"""Certificates for tests: an authority, and what it signs. PEM files in a folder; nothing is kept in the repository."""

import hashlib
import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
_SUFFIXES = {"keystore": "p12", "jks": "jks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The files of one certificate with its key."""

    cert: Path
    key: Path
    both: Path
    """Key and certificate in one file, as Kafka wants them."""
    encrypted_key: Path
    keystore: Path
    """PKCS12, with the same password as encrypted_key."""
    jks: Path
    """The same as JKS."""


class Authority:
    """Signs certificates. `ca` is its own, to be trusted."""

    def __init__(self, folder: Path, name: str = "kcon test authority") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._cert = self._sign(self._name, self._key, days=(-1, 30), is_authority=True)
        self.ca = folder / f"{name.replace(' ', '-')}.pem"
        self.ca.write_bytes(self._cert.public_bytes(Encoding.PEM))
        self.truststore = self.ca.with_suffix(".jks")
        """A JKS trust store, its password "changeit"."""
        self.truststore.write_bytes(jks_file("changeit", certificates=[self._cert.public_bytes(Encoding.DER)]))

    def identity(
        self,
        name: str,
        *,
        hosts: tuple[str, ...] = ("localhost", "127.0.0.1"),
        days: tuple[int, int] = (-1, 30),
        password: str = "key-secret",
    ) -> Identity:
        """Make a certificate for hosts and its key. days: from and until, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert = self._sign(subject, key, days=days, hosts=hosts)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        secret = BestAvailableEncryption(password.encode())
        contents = {
            "cert": cert.public_bytes(Encoding.PEM),
            "key": plain,
            "both": plain + cert.public_bytes(Encoding.PEM),
            "encrypted_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret),
            "keystore": pkcs12.serialize_key_and_certificates(b"kcon", key, cert, [self._cert], secret),
            "jks": jks_file(
                password,
                key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
                chain=[each.public_bytes(Encoding.DER) for each in (cert, self._cert)],
            ),
        }
        files = {}
        for part, content in contents.items():
            files[part] = self.folder / f"{name}-{part}.{_SUFFIXES.get(part, 'pem')}"
            files[part].write_bytes(content)
            files[part].chmod(0o600)
        return Identity(**files)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        days: tuple[int, int],
        hosts: tuple[str, ...] = (),
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), False)
        return builder.sign(self._key, hashes.SHA256())


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def jks_file(
    password: str, *, key: bytes | None = None, chain: Sequence[bytes] = (), certificates: Sequence[bytes] = ()
) -> bytes:
    """Write a JKS keystore as the JDK does: a key with its chain, and trusted certificates, all in DER."""
    entries = []
    if key is not None:
        links = b"".join(_jks_certificate(each) for each in chain)
        protected = _der(0x30, _der(0x30, _JKS_PROTECTOR) + _der(0x04, _protect(key, password)))
        entries.append(_jks_head(1, "kcon") + _block(protected) + struct.pack(">I", len(chain)) + links)
    entries += [_jks_head(2, f"ca{index}") + _jks_certificate(each) for index, each in enumerate(certificates)]
    content = struct.pack(">4sII", b"\xfe\xed\xfe\xed", 2, len(entries)) + b"".join(entries)
    secret = password.encode("utf-16-be")
    return content + hashlib.sha1(secret + b"Mighty Aphrodite" + content).digest()


_JKS_PROTECTOR = bytes.fromhex("060a2b060104012a02110101 0500")


def _protect(key: bytes, password: str) -> bytes:
    secret, salt = password.encode("utf-16-be"), bytes(range(20))
    stream, digest = b"", salt
    while len(stream) < len(key):
        digest = hashlib.sha1(secret + digest).digest()
        stream += digest
    masked = bytes(a ^ b for a, b in zip(key, stream, strict=False))
    return salt + masked + hashlib.sha1(secret + key).digest()


def _jks_head(tag: int, alias: str) -> bytes:
    return struct.pack(">IH", tag, len(alias)) + alias.encode() + struct.pack(">q", 1)


def _jks_certificate(der: bytes) -> bytes:
    return struct.pack(">H", 5) + b"X.509" + _block(der)


def _block(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    width = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + size.to_bytes(width, "big") + content
