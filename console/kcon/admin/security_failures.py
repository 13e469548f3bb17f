"""Why did a server hang up before it answered anything? Found out by asking it the other way."""

import ssl

from kcon.admin.dial import closed_early, speaks_plain, speaks_tls, tls_port
from kcon.admin.security import ConnectionSecurity
from kcon.admin.tls_failures import client_certificate_refused, plain_port, tls_failure
from kcon.errors import KconError


async def explain_hang_up(
    address: str, host: str, port: int, security: ConnectionSecurity, error: Exception, *, after_handshake: bool
) -> KconError:
    """Return the error to raise. after_handshake: TLS stood on our side, and the first request got no answer."""
    if security.tls is None:
        return tls_port(address) if await speaks_tls(host, port) else closed_early(address)
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLError):
        return tls_failure(address, host, cause, has_cert=security.has_cert)
    if await speaks_plain(host, port):
        return plain_port(address)
    if after_handshake:
        # TLS 1.3 tells only now what the server thinks of our certificate.
        return client_certificate_refused(address, has_cert=security.has_cert)
    return closed_early(address)
