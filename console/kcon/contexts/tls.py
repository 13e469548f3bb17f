"""How is a broker's certificate checked, and ours shown? The TLS context, the same for both planes.

No private key is written to a file: a key out of a keystore goes to OpenSSL through a pipe, so that nothing can
outlive the process.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kcon.contexts.keystores import (
    is_keystore,
    open_keystore,
    read_authorities,
    read_keystore_file,
)
from kcon.contexts.secret import Secret
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security
from kcon.errors import AuthError, UsageError

_PIPE_BYTES_MAX: Final = 16 * 1024
"""What a pipe takes without a reader, on every system."""


def tls_context(security: Security, secrets: Secrets) -> ssl.SSLContext:
    """Return a context for connections to brokers; blocks while secrets are read.

    UsageError or AuthError says which file is off, and how.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if security.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.check_hostname = security.verify_host
        trust_authorities(context, security, secrets)
    if security.keystore is not None:
        _load_keystore(context, security, secrets)
    elif security.cert is not None:
        cert, key = _existing("cert", security.cert), None
        if security.key is not None:
            key = _existing("key", security.key)
        _load_chain(context, cert, key or cert, security, secrets)
    return context


def trust_authorities(context: ssl.SSLContext, security: Security, secrets: Secrets) -> None:
    """Trust whom the settings name: `ca`, a PEM file or a trust store of Java's, or the system's authorities."""
    if security.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    path = _existing("ca", security.ca)
    try:
        if is_keystore(path):
            context.load_verify_locations(cadata=read_authorities(path, security, secrets))
        else:
            context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise UsageError(f"There is no PEM certificate in {path} (ca).", "Give the authority's file in PEM.") from error


def _existing(name: str, path: str) -> str:
    """Return the expanded path of a readable file."""
    expanded = Path(path).expanduser()
    try:
        with expanded.open("rb"):
            return str(expanded)
    except OSError as error:
        raise UsageError(f"Cannot read {name} {expanded}: {error.strerror or error}.", "Check the path.") from error


def _load_chain(context: ssl.SSLContext, cert: str, key: str, security: Security, secrets: Secrets) -> None:
    asked: list[Secret | None] = []

    def password() -> str:
        # OpenSSL calls this only for an encrypted key; without it, it would ask on the terminal by itself.
        asked.append(secrets.key_password(security))
        return asked[-1].reveal() if asked[-1] is not None else ""

    try:
        context.load_cert_chain(cert, key, password)
    except ssl.SSLError as error:
        if asked and not asked[-1]:
            hint = "Set KCON_SECURITY_KEY_PASSWORD, key_password_file or key_password_cmd."
            raise AuthError(f"The key in {key} is encrypted, and no password is given.", hint) from None
        if asked:
            raise AuthError(f"The password does not open the key in {key}.", "Check key_password.") from None
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UsageError(f"The key in {key} is not the one of the certificate in {cert}.") from error
        raise UsageError(
            f"There is no PEM certificate and key in {cert} and {key}.", "The certificate comes before its chain."
        ) from error


def _load_keystore(context: ssl.SSLContext, security: Security, secrets: Secrets) -> None:
    assert security.keystore is not None
    path = _existing("keystore", security.keystore)
    opened = open_keystore(path, read_keystore_file(path), secrets.key_password(security))
    with (
        _through_pipe(opened.certificates_pem.encode()) as cert_path,
        _through_pipe(opened.key_pem.reveal().encode()) as key_path,
    ):
        try:
            context.load_cert_chain(cert_path, key_path)
        except ssl.SSLError as error:
            raise UsageError(f"The key and the certificate in {path} cannot be used: {error.reason}.") from error


@contextmanager
def _through_pipe(content: bytes) -> Iterator[str]:
    """Yield a path that can be opened and read once."""
    if len(content) > _PIPE_BYTES_MAX:
        raise UsageError("The keystore's certificate chain is too long.", "Use cert and key in PEM files.")
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, content)
        os.close(write_end)
        yield f"/dev/fd/{read_end}"
    finally:
        os.close(read_end)
