"""How do a context's security settings drive librdkafka, and aiokafka? The same settings as the admin plane's."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kcon.contexts.context import Context
from kcon.contexts.keystores import is_keystore, open_keystore, read_authorities, read_keystore_file
from kcon.contexts.security import Security
from kcon.core.saslprep import saslprep
from kcon.errors import KconError

SecurityConfig = dict[str, str | int | bool | Callable[..., Any]]


def security_config(context: Context) -> SecurityConfig:
    """Return librdkafka's settings. Blocks while secrets are read; the answer holds them, so it is not kept."""
    security = context.security
    security.check()
    if security.protocol == "PLAINTEXT":
        return {}
    config: SecurityConfig = {"security.protocol": security.protocol}
    if security.uses_tls:
        config |= _tls_config(context, security)
    if security.uses_sasl:
        config["sasl.mechanism"] = security.wire_mechanism
        if security.uses_token:
            config["oauth_cb"] = _token_callback(context)
        else:
            config["sasl.username"], config["sasl.password"] = _credentials(context)
    return config


def aiokafka_arguments(context: Context) -> dict[str, Any]:
    """Return the arguments of an aiokafka client. Blocks while secrets are read."""
    security = context.security
    security.check()
    arguments: dict[str, Any] = {"security_protocol": security.protocol}
    if security.uses_tls:
        from kcon.contexts.tls import tls_context

        arguments["ssl_context"] = tls_context(security, context.secrets)
    if security.uses_sasl:
        arguments["sasl_mechanism"] = security.wire_mechanism
        if security.uses_token:
            arguments["sasl_oauth_token_provider"] = _aiokafka_tokens(context)
        else:
            arguments["sasl_plain_username"], arguments["sasl_plain_password"] = _credentials(context)
    return arguments


def _credentials(context: Context) -> tuple[str, str]:
    """Return name and password in the form that the admin plane uses."""
    security = context.security
    assert security.username is not None, "Security.check wants a user name"
    name, password = security.username, context.secrets.password(security).reveal()
    if context.secrets.unprepared:
        return name, password
    prepared_name, prepared = saslprep(name), saslprep(password)
    return name if prepared_name is None else prepared_name, password if prepared is None else prepared


def _tls_config(context: Context, security: Security) -> SecurityConfig:
    from kcon.contexts.tls import tls_context

    # What is wrong with a file is said once, in the words of both planes.
    tls_context(security, context.secrets)
    any_host = security.insecure or not security.verify_host
    config: SecurityConfig = {
        "enable.ssl.certificate.verification": not security.insecure,
        "ssl.endpoint.identification.algorithm": "none" if any_host else "https",
    }
    authorities = _expanded(security.ca) if security.ca is not None else ssl.get_default_verify_paths().cafile
    if authorities and not security.insecure:  # Some systems have no such file, whatever its type says.
        if security.ca is not None and is_keystore(authorities):
            config["ssl.ca.pem"] = read_authorities(authorities, security, context.secrets)
        else:
            config["ssl.ca.location"] = authorities
    if security.keystore is not None:
        # librdkafka reads PKCS12 alone; it takes the key of either kind from memory.
        path = _expanded(security.keystore)
        opened = open_keystore(path, read_keystore_file(path), context.secrets.key_password(security))
        config["ssl.key.pem"] = opened.key_pem.reveal()
        config["ssl.certificate.pem"] = opened.certificates_pem
        return config
    if security.cert is not None:
        config["ssl.certificate.location"] = _expanded(security.cert)
        config["ssl.key.location"] = _expanded(security.key or security.cert)
    password = context.secrets.known_key_password()
    if password is not None:
        config["ssl.key.password"] = password.reveal()
    return config


def _expanded(path: str) -> str:
    return str(Path(path).expanduser())


def _token_callback(context: Context) -> "Callable[[str], tuple[str, float, str, dict[str, str]]]":
    """Return what librdkafka calls when it needs a token, on the thread that polls."""

    def oauth_cb(_config: str) -> tuple[str, float, str, dict[str, str]]:
        try:
            token = context.secrets.token(context.security)
        except KconError as error:
            # The binding knows only its own exception as "the token could not be had".
            raise _failure(error) from error
        return token.value.reveal(), token.expires_ms / 1000, token.principal or _PRINCIPAL, {}

    return oauth_cb


def _failure(error: KconError) -> Exception:
    import confluent_kafka

    return confluent_kafka.KafkaException(
        confluent_kafka.KafkaError(confluent_kafka.KafkaError._AUTHENTICATION, error.message)
    )


def _aiokafka_tokens(context: Context) -> Any:
    import asyncio

    from aiokafka.abc import AbstractTokenProvider

    class Tokens(AbstractTokenProvider):
        async def token(self) -> str:
            found = await asyncio.to_thread(context.secrets.token, context.security)
            return found.value.reveal()

    return Tokens()


_PRINCIPAL: Final = "kcon"
"""librdkafka wants a name for its own log where the token has none."""
