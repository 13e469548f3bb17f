"""With which cluster, and with what rights, does a command work? A context, its gate and one admin client.

The admin client connects at the first question, so that a refusal by the gate costs no connection.
"""

from types import TracebackType

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.contexts.context import Context
from kcon.gate.gate import Gate


class Session:
    """Use it as an async context manager, on one event loop."""

    def __init__(self, context: Context, gate: Gate) -> None:
        self.context = context
        self.gate = gate
        self._admin: Admin | None = None

    async def admin(self) -> Admin:
        """Return the connected admin client. UnreachableError when no bootstrap address answers."""
        if self._admin is None:
            self._admin = await Admin.connect(AdminSettings.of(self.context))
        return self._admin

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._admin is not None:
            await self._admin.close()
            self._admin = None
