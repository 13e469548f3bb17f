"""How is a bearer token got from an identity provider? The client-credentials flow (RFC 6749 §4.4).

The address is the user's own, and yet not followed anywhere: only https (http to this machine alone), no redirects,
no link-local address, where clouds keep the credentials of machines. An answer is never repeated in an error.
"""

import ipaddress
import socket
import ssl
import time
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from kcon.contexts.secret import Secret
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security
from kcon.contexts.tls import trust_authorities
from kcon.contexts.tokens import Token, parse_token
from kcon.core.wire_text import display_safe
from kcon.errors import AuthError, UnreachableError, UsageError

TIMEOUT_S: Final = 10.0
"""Connect, send and receive, each."""
ANSWER_BYTES_MAX: Final = 64 * 1024

_METADATA_ADDRESSES: Final = frozenset(
    ipaddress.ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)


def fetch_token(security: Security, secret: Secret, secrets: Secrets | None = None) -> Token:
    """Ask the token endpoint of the settings for a token; blocks. secret: the client's; secrets: of the trust store.

    UsageError: an address that may not be asked. UnreachableError: no answer. AuthError: refused.
    """
    assert security.token_url is not None, "Security.check wants a token_url"
    assert security.client_id is not None, "Security.check wants a client_id"
    url = check_url(security.token_url)
    host = display_safe(url.netloc.rpartition("@")[2])
    form = {"grant_type": "client_credentials"} | ({"scope": security.scope} if security.scope else {})
    try:
        status, content = _post(security, form, secret, secrets or Secrets())
    except ssl.SSLError as error:
        raise UsageError(f"The ca of the context cannot be read for {host}.", "Give a PEM file.") from error
    except httpx.HTTPError as error:
        reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
        # `from None`: the exception holds the request, and with it the client's secret.
        raise UnreachableError(
            f"The token endpoint {host} cannot be reached: {reason}.", "Check token_url and the network."
        ) from None
    if status != httpx.codes.OK:
        raise AuthError(
            f"The token endpoint {host} answered {status} to client {display_safe(security.client_id)}.",
            "Check client_id, its secret and the scope.",
        )
    return parse_token(content.decode("utf-8", "replace"), time.time_ns() // 1_000_000)


def check_url(text: str) -> SplitResult:
    """Return the parts of an address that may be asked for a token. UsageError for any other."""
    try:
        url = urlsplit(text)
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        raise UsageError("token_url is not an address.", "Give https://HOST/PATH.") from None
    if url.scheme not in {"https", "http"} or not url.hostname:
        raise UsageError(
            f"token_url has the scheme {display_safe(url.scheme)!r}; only https is asked.", "Give https://HOST/PATH."
        )
    if url.username is not None or url.password is not None:
        raise UsageError("token_url holds a user name or a password.", "Use client_id, and password_cmd or _file.")
    addresses = _resolve(url.hostname, port)
    for address in addresses:
        plain = getattr(address, "ipv4_mapped", None) or address
        if plain.is_link_local or plain in _METADATA_ADDRESSES or plain.is_unspecified or plain.is_multicast:
            raise UsageError(
                f"token_url leads to {plain}, which is no token endpoint but this machine's surroundings.",
                "Give the address of the identity provider.",
            )
    if url.scheme == "http" and not all(address.is_loopback for address in addresses):
        raise UsageError("token_url would send the client's secret in clear.", "Give an https address.")
    return url


def _resolve(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(
            f"Cannot resolve the host name {display_safe(host)} of token_url.", "Check the spelling, and the DNS."
        ) from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _post(security: Security, form: dict[str, str], secret: Secret, secrets: Secrets) -> tuple[int, bytes]:
    """Send the form; return the status and a bounded answer."""
    assert security.token_url is not None, "Security.check wants a token_url"
    assert security.client_id is not None, "Security.check wants a client_id"
    trusted = ssl.create_default_context()
    if security.ca is not None:
        trust_authorities(trusted, security, secrets)
    with (
        httpx.Client(verify=trusted, timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream(
            "POST",
            security.token_url,
            data=form,
            auth=(security.client_id, secret.reveal()),
            headers={"Accept": "application/json"},
        ) as response,
    ):
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > ANSWER_BYTES_MAX:
                raise AuthError(f"The token endpoint answered more than {ANSWER_BYTES_MAX} bytes.")
        return response.status_code, bytes(content)
