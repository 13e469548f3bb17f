"""What does a connection need to be trusted? The TLS context and the SASL exchange, made once for one cluster.

Reading secrets may block, so it happens on a thread, before the clock of a connection starts.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from kcon.contexts.secret import Secret
from kcon.contexts.secrets import COMMAND_TIMEOUT_S, Secrets
from kcon.contexts.security import Security
from kcon.errors import AuthError

if TYPE_CHECKING:
    import ssl

    from kcon.admin.sasl import Exchange

SECRETS_TIMEOUT_S: Final = 3 * COMMAND_TIMEOUT_S
"""All secrets of one context together."""

T = TypeVar("T")


class ConnectionSecurity:
    """The security of all connections to one cluster. One event loop."""

    def __init__(self, security: Security, secrets: Secrets) -> None:
        self.security = security
        self.tls: ssl.SSLContext | None = None
        """Set by `prepare` for a protocol with TLS."""
        self._secrets = secrets
        self._preparing = asyncio.Lock()

    @property
    def has_cert(self) -> bool:
        """There is a certificate to show."""
        return self.security.cert is not None or self.security.keystore is not None

    async def prepare(self) -> None:
        """Read what will be needed. UsageError for settings that do not fit, AuthError for a missing secret."""
        self.security.check()
        async with self._preparing:
            if self.security.uses_tls and self.tls is None:
                from kcon.contexts.tls import tls_context

                self.tls = await on_thread(lambda: tls_context(self.security, self._secrets), "read the keys")
            if self.security.uses_password:
                await on_thread(lambda: self._secrets.password(self.security), "read the password")

    async def exchange(self) -> "Exchange":
        """Begin an authentication, with a fresh token where one is needed."""
        from kcon.admin.sasl import password_exchange, token_exchange
        from kcon.core.saslprep import saslprep

        security = self.security
        if security.uses_token:
            return token_exchange(await on_thread(lambda: self._secrets.token(security), "get a token"))
        assert security.mechanism is not None, "Security.check wants a mechanism"
        assert security.username is not None, "Security.check wants a user name"
        password = await on_thread(lambda: self._secrets.password(security), "read the password")
        if self._secrets.unprepared:
            return password_exchange(security.mechanism, security.username, password)
        username, prepared = saslprep(security.username), saslprep(password.reveal())
        return password_exchange(
            security.mechanism,
            security.username if username is None else username,
            password if prepared is None else Secret(prepared),
        )

    def try_unprepared(self) -> bool:
        """After a refusal: tell whether name and password have another form, which is used from now on.

        RFC 5802 wants SASLprep, and Apache Kafka keeps both as they were typed. They seldom differ.
        """
        from kcon.core.saslprep import saslprep

        security = self.security
        if self._secrets.unprepared or security.uses_token or security.username is None:
            return False
        password = self._secrets.password(security).reveal()
        self._secrets.unprepared = any(saslprep(text) not in {None, text} for text in (security.username, password))
        return self._secrets.unprepared


async def on_thread(work: Callable[[], T], name: str) -> T:
    """Run on a daemon thread of its own, which cannot hold up the end of the process."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(result)  # type: ignore[arg-type]  # None only where T allows it.
        else:
            answer.set_exception(error)

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited.
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:  # The loop is closed: nobody waits any more.
            return

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        async with asyncio.timeout(SECRETS_TIMEOUT_S):
            return await answer
    except TimeoutError as error:
        raise AuthError(f"It took too long to {name}.") from error
