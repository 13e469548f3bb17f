"""When does the certificate end that a broker showed? What the handshake kept tells. Loads OpenSSL: import it late."""

import ssl
from collections.abc import Mapping


def expiry_ms(certificate: Mapping[str, object] | None) -> int | None:
    """Return when it ends, as `ssl.SSLObject.getpeercert` tells it; None where it was not verified."""
    told = (certificate or {}).get("notAfter")
    return round(ssl.cert_time_to_seconds(told) * 1000) if isinstance(told, str) else None
