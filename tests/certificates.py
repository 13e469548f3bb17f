"""Certificates for tests: an authority, and what it signs. PEM files in a folder; nothing is kept in the repository."""

import ipaddress
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


class Authority:
    """Signs certificates. `ca` is its own, to be trusted."""

    def __init__(self, folder: Path, name: str = "kcon test authority") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._cert = self._sign(self._name, self._key, days=(-1, 30), is_authority=True)
        self.ca = folder / f"{name.replace(' ', '-')}.pem"
        self.ca.write_bytes(self._cert.public_bytes(Encoding.PEM))

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
        }
        files = {}
        for part, content in contents.items():
            files[part] = self.folder / f"{name}-{part}.{'p12' if part == 'keystore' else 'pem'}"
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
