"""Why did a TLS handshake fail? One sentence for each cause that a person can act on."""

import ssl
from typing import Final

from kcon.core.wire_text import display_safe
from kcon.errors import AuthError, KconError, UnreachableError

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_SELF_SIGNED: Final = frozenset({18, 19})
_UNKNOWN_ISSUER: Final = frozenset({2, 20, 21, 27})
_WRONG_HOST: Final = frozenset({62, 64})

_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_OLD_TLS: Final = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")
_REFUSES_US: Final = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
)


def tls_failure(address: str, host: str, error: ssl.SSLError, *, has_cert: bool) -> KconError:
    """Explain a failed handshake. has_cert: we have a certificate to show."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _bad_certificate(address, display_safe(host), error)
    reason = error.reason or ""
    if any(word in reason for word in _NOT_TLS):
        return plain_port(address)
    if any(word in reason for word in _OLD_TLS):
        return UnreachableError(
            f"{address} speaks a TLS older than 1.2, which is refused.", "Let the broker offer TLS 1.2 or 1.3."
        )
    if any(word in reason for word in _REFUSES_US) or (reason.endswith("HANDSHAKE_FAILURE") and not has_cert):
        return client_certificate_refused(address, has_cert=has_cert)
    said = display_safe(reason.lower().replace("_", " ") or str(error))
    return UnreachableError(f"The TLS handshake with {address} failed: {said}.", "Look at the broker's log.")


def client_certificate_refused(address: str, *, has_cert: bool) -> AuthError:
    """Explain a broker that wants a client's certificate, or another one."""
    if has_cert:
        return AuthError(
            f"{address} refused this client's certificate.",
            "It must be valid, and of an authority in the broker's truststore.",
        )
    return AuthError(f"{address} wants a client certificate.", "Set cert and key in the context's security settings.")


def plain_port(address: str) -> UnreachableError:
    """Explain that we spoke TLS to a plain-text port."""
    return UnreachableError(
        f"{address} speaks plain text, and this context wants TLS.",
        "Use the port of its TLS listener, or set the protocol to PLAINTEXT or SASL_PLAINTEXT.",
    )


def _bad_certificate(address: str, host: str, error: ssl.SSLCertVerificationError) -> AuthError:
    code = error.verify_code
    if code == _EXPIRED:
        return AuthError(f"The certificate of {address} has expired.", "Renew it, and check this machine's clock.")
    if code == _NOT_YET_VALID:
        return AuthError(f"The certificate of {address} is not valid yet.", "Check this machine's clock.")
    if code in _WRONG_HOST:
        return AuthError(
            f"The certificate of {address} is not for {host}.",
            "Use the name that it was made for, or set verify_host = false to accept any name.",
        )
    if code in _SELF_SIGNED:
        return AuthError(
            f"The certificate of {address} is signed by an authority that is not trusted here (self-signed).",
            "Set ca to the authority's PEM file.",
        )
    if code in _UNKNOWN_ISSUER:
        return AuthError(f"The issuer of the certificate of {address} is unknown.", "Set ca to the issuer's PEM file.")
    return AuthError(
        f"The certificate of {address} is not accepted: {display_safe(error.verify_message)}.", "Check its chain."
    )
