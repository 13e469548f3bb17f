"""What is in a keystore or a trust store, JKS or PKCS12? The client's key, or the authorities, as PEM in memory.

The kind is told by the content, never by the name: Java writes PKCS12 into files that are called .jks.
"""

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kcon.contexts.jks import FILE_BYTES_MAX, JksError, JksPasswordError, is_jks, read_jks
from kcon.contexts.secret import Secret
from kcon.contexts.security import Security
from kcon.errors import AuthError, UsageError

if TYPE_CHECKING:
    from kcon.contexts.secrets import Secrets

_KEY_HINT: Final = "Set KCON_SECURITY_KEY_PASSWORD, key_password_file or key_password_cmd."
_CA_HINT: Final = "Set KCON_SECURITY_CA_PASSWORD, ca_password_file or ca_password_cmd."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedKeystore:
    """The client's key and its certificate chain."""

    key_pem: Secret
    certificates_pem: str


def is_keystore(path: str) -> bool:
    """Tell whether a file is JKS or PKCS12 rather than PEM. A file that cannot be read: no."""
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(4096)
    except OSError:
        return False
    return is_jks(content) or _is_der(content)


def read_keystore_file(path: str) -> bytes:
    """Read a file of bounded size. UsageError when it cannot be read."""
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read the keystore {path}: {error.strerror or error}.", "Check the path.") from error


def open_keystore(path: str, content: bytes, password: Secret | None) -> OpenedKeystore:
    """Return the first key in a keystore. UsageError or AuthError says what is off."""
    if not is_jks(content):
        return _open_pkcs12(path, content, password)
    try:
        keys = read_jks(content, None).keys
        if not keys:
            raise UsageError(f"There is no key with a certificate in {path}.", "A trust store goes into ca.")
        if password is None:
            raise AuthError(f"The keystore {path} has a password, and none is given.", _KEY_HINT)
        key = _pem("PRIVATE KEY", keys[0].open(password.reveal()))
    except JksPasswordError:
        raise AuthError(f"The password does not open the keystore {path}.", _KEY_HINT) from None
    except JksError as error:
        raise UsageError(f"The keystore {path} cannot be read: {error}.", "Check the file.") from None
    return OpenedKeystore(
        key_pem=Secret(key), certificates_pem="".join(_pem("CERTIFICATE", each) for each in keys[0].chain)
    )


def read_authorities(path: str, security: Security, secrets: "Secrets") -> str:
    """Return the certificates of a trust store as PEM, those of its keys' issuers included."""
    content = read_keystore_file(path)
    password = secrets.ca_password(security)
    if is_jks(content):
        try:
            store = read_jks(content, password.reveal() if password is not None else None)
        except JksPasswordError:
            raise AuthError(f"The password does not open the trust store {path}, or it is damaged.", _CA_HINT) from None
        except JksError as error:
            raise UsageError(f"The trust store {path} cannot be read: {error}.", "Check the file.") from None
        found = [_pem("CERTIFICATE", each) for each in store.certificates]
    else:
        found = _pkcs12_authorities(path, content, password)
    if not found:
        raise UsageError(f"There is no certificate in {path} (ca).", "Give the authority's file in PEM, or its store.")
    return "".join(found)


def _pkcs12_authorities(path: str, content: bytes, password: Secret | None) -> list[str]:
    loaded: Any = _load_pkcs12(path, content, password, _CA_HINT, "trust store")
    from cryptography.hazmat.primitives.serialization import Encoding

    return [each.certificate.public_bytes(Encoding.PEM).decode() for each in loaded.additional_certs]


def _open_pkcs12(path: str, content: bytes, password: Secret | None) -> OpenedKeystore:
    loaded: Any = _load_pkcs12(path, content, password, _KEY_HINT, "keystore")
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if loaded.key is None or loaded.cert is None:
        raise UsageError(f"There is no key with a certificate in {path}.")
    certificates = b"".join(
        each.certificate.public_bytes(Encoding.PEM) for each in (loaded.cert, *loaded.additional_certs)
    )
    private = loaded.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OpenedKeystore(key_pem=Secret(private.decode()), certificates_pem=certificates.decode())


def _load_pkcs12(path: str, content: bytes, password: Secret | None, hint: str, what: str) -> object:
    try:
        from cryptography.hazmat.primitives.serialization import pkcs12
    except ImportError as error:
        raise UsageError(
            f"A PKCS12 {what} needs the cryptography package.",
            "Install kcon[pkcs12], or convert it: openssl pkcs12 -in IN.p12 -out OUT.pem -noenc",
        ) from error
    try:
        return pkcs12.load_pkcs12(content, password.reveal().encode() if password is not None else None)
    except ValueError:
        # `from None`: nothing of the parser's context may be shown.
        raise AuthError(f"The password does not open the {what} {path}, or it is damaged.", hint) from None


def _is_der(content: bytes) -> bool:
    # A PKCS12 file is one DER SEQUENCE; PEM is text.
    return content[:1] == b"\x30" and b"-----BEGIN" not in content


def _pem(label: str, der: bytes) -> str:
    if label == "CERTIFICATE":
        return ssl.DER_cert_to_PEM_cert(der)
    lines = base64.encodebytes(der).decode().replace("\n", "")
    wrapped = "\n".join(lines[start : start + 64] for start in range(0, len(lines), 64))
    return f"-----BEGIN {label}-----\n{wrapped}\n-----END {label}-----\n"
