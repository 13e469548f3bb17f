"""With which cluster, and with what rights, does a command work? A context, its gate and one admin client.

The admin client connects at the first question, so that a refusal by the gate costs no connection.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.contexts.context import Context
from kcon.contexts.folders import state_folder
from kcon.core.ids import ClusterId

if TYPE_CHECKING:
    from kcon.contexts.secret import Secret
    from kcon.contexts.security import Security
    from kcon.contexts.tokens import Token
    from kcon.gate.gate import Gate, Plan
    from kcon.gate.permit import Permit
    from kcon.gate.undo import UndoStore

AUDIT_FILE: Final = "audit.jsonl"
UNDO_FOLDER: Final = "undo"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def enable_token_endpoints(context: Context) -> None:
    """Let a context get its tokens over HTTP, or sign those of AWS. Who connects without a session calls this first."""
    secrets = context.secrets

    def fetch(security: "Security", secret: "Secret") -> "Token":
        from kcon.http.oauth import fetch_token  # An HTTP client takes longer to load than many a command to run.

        return fetch_token(security, secret, secrets)

    def sign(security: "Security") -> "Token":
        from kcon.http.msk_iam import sign_token

        return sign_token(security)

    secrets.fetch_token = secrets.fetch_token or fetch
    secrets.sign_token = secrets.sign_token or sign


def open_session(context: Context, variables: Mapping[str, str], now_ms: Callable[[], int] = _now_ms) -> "Session":
    """Return a session, to be entered. variables: the process's environment, which names the state folder."""
    session = Session(context, state_folder(variables), now_ms)
    session.variables = variables
    return session


class Session:
    """Use it as an async context manager, on one event loop."""

    def __init__(self, context: Context, folder: Path, now_ms: Callable[[], int] = _now_ms) -> None:
        self.context = context
        enable_token_endpoints(context)
        self.now_ms = now_ms
        self.folder = folder
        """Where the audit log, the undo records and what was interrupted are kept."""
        self.variables: Mapping[str, str] = {}
        """The process's environment, as far as somebody asks for more than the folder."""
        self.wire_log: Callable[[str], None] | None = None
        """Set before the first question: gets a line for each request and answer."""
        self._admin: Admin | None = None

    # A command that only reads needs neither of these two, and starts quicker without them.

    @cached_property
    def gate(self) -> "Gate":
        """What every change must pass."""
        from kcon.gate.audit import AuditLog
        from kcon.gate.gate import Gate

        return Gate(self.context, AuditLog(self.folder / AUDIT_FILE), now_ms=self.now_ms)

    @cached_property
    def undo(self) -> "UndoStore":
        """What earlier changes overwrote."""
        from kcon.gate.undo import UndoStore

        return UndoStore(self.folder / UNDO_FOLDER)

    async def admin(self) -> Admin:
        """Return the connected admin client. UnreachableError when no bootstrap address answers."""
        if self._admin is None:
            settings = AdminSettings.of(self.context)
            if self.wire_log is not None:
                settings = replace(settings, wire_log=self.wire_log)
            self._admin = await Admin.connect(settings)
        return self._admin

    async def authorise(self, plan: "Plan") -> "Permit":
        """Return the permit for a plan; refused in a read-only context before anything is sent."""
        self.gate.refuse_if_read_only(plan.operation)
        await self.cluster_id()
        return self.gate.authorise(plan)

    async def cluster_id(self) -> ClusterId | None:
        """Return the id of the connected cluster; the audit and the undo records are kept by it."""
        if self.gate.cluster_id is None:
            admin = await self.admin()
            self.gate.cluster_id = (await admin.cluster()).cluster_id
        return self.gate.cluster_id

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._admin is not None:
            await self._admin.close()
            self._admin = None
