"""May this plan run? Mode of the context, then confirmation, then the audit line; only then there is a `Permit`."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from kcon.contexts.context import Context, Mode
from kcon.core.ids import ClusterId
from kcon.core.wire_text import display_safe
from kcon.errors import RefusedError
from kcon.gate.audit import Auditor
from kcon.gate.permit import MINT, Operation, Permit


class Plan(Protocol):
    """What a caller wants to change, as the user saw it."""

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""

    @property
    def targets(self) -> frozenset[str]:
        """The raw names it touches: topics, groups, or `type:name` for configs. Never empty."""

    @property
    def confirmed_by(self) -> str | None:
        """How the user agreed: `-y`, `prompt`, `dialog`, or `name:NAME` when the name was typed; None: not yet."""


class Gate:
    """The one place that mints permits, for one context."""

    def __init__(
        self,
        context: Context,
        audit: Auditor,
        *,
        cluster_id: ClusterId | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        user: str | None = None,
    ) -> None:
        self.context = context
        self.cluster_id = cluster_id
        """Set by the session as soon as it is known; it goes into every audit line."""
        self._audit = audit
        self._now_ms = now_ms
        self._user = user if user is not None else _user_name()

    def refuse_if_read_only(self, operation: Operation) -> None:
        """Raise RefusedError in a read-only context. Call it before planning, to fail early."""
        if self.context.mode is Mode.READ_ONLY:
            source = self.context.sources.get("mode", "")
            raise RefusedError(
                f"Context {self.context.name} is read-only: {operation.value} is refused.",
                f"It comes from {source}." if source else "Use another context, or change its mode.",
            )

    def authorise(self, plan: Plan) -> Permit:
        """Return a permit for exactly this plan, after writing the audit line.

        RefusedError (exit 6): the context is read-only; nobody confirmed; in protect mode the name was not
        typed; the audit line cannot be written.
        """
        if not plan.targets:
            raise RefusedError("The plan names no target, so there is nothing to do.")
        try:
            self.refuse_if_read_only(plan.operation)
            self._require_confirmation(plan)
        except RefusedError as error:
            self._write("refused", plan.operation, plan.targets, {"reason": error.message})
            raise
        permit_id = secrets.token_hex(8)
        extra = {"permit": permit_id, "confirmed_by": plan.confirmed_by}
        self._write("authorised", plan.operation, plan.targets, extra)
        return Permit(
            MINT,
            permit_id=permit_id,
            context=self.context.name,
            operation=plan.operation,
            targets=plan.targets,
        )

    def record_result(self, permit: Permit, *, ok: bool, detail: Mapping[str, object] | None = None) -> None:
        """Write the audit line that says how a permitted operation ended. detail: JSON values, no secrets."""
        extra: dict[str, object] = {"permit": permit.id, **(detail or {})}
        self._write("done" if ok else "failed", permit.operation, permit.targets, extra)

    def _require_confirmation(self, plan: Plan) -> None:
        confirmed_by = plan.confirmed_by
        if not confirmed_by:
            raise RefusedError(f"{plan.operation.value} was not confirmed.", "Read the plan, then repeat it with -y.")
        if self.context.mode is not Mode.PROTECT:
            return
        wanted = confirmation_name(plan.targets)
        if confirmed_by != f"name:{wanted}":
            raise RefusedError(
                f"Context {self.context.name} is protected: {plan.operation.value} wants the name typed.",
                f"Repeat with --confirm {display_safe(wanted)}.",
            )

    def _write(self, event: str, operation: Operation, targets: frozenset[str], extra: Mapping[str, object]) -> None:
        self._audit.write(
            {
                "time_ms": self._now_ms(),
                "event": event,
                "operation": operation.value,
                "context": self.context.name,
                "cluster_id": self.cluster_id.raw if self.cluster_id else None,
                "bootstrap": list(self.context.bootstrap),
                "targets": sorted(targets)[:TARGETS_WRITTEN_MAX],
                "target_count": len(targets),
                "user": self._user,
                "pid": os.getpid(),
                **extra,
            }
        )


TARGETS_WRITTEN_MAX = 1_000
"""An audit line names this many targets; `target_count` says how many there were."""


def confirmation_name(targets: frozenset[str]) -> str:
    """Return what a user types to confirm in protect mode: the name, or `N targets` when there are several."""
    if len(targets) == 1:
        return next(iter(targets))
    return f"{len(targets)} targets"


def _user_name() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or str(os.getuid())
