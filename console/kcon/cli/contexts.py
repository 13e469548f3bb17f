"""Which cluster does this command mean?"""

from kcon.cli.environment import Environment
from kcon.commands.request import Connection
from kcon.contexts.context import AD_HOC_NAME, Context, parse_bootstrap
from kcon.errors import UsageError


def resolve_context(connection: Connection, environment: Environment) -> Context:
    """Return the context."""
    if connection.bootstrap is None:
        raise UsageError("No cluster is named.", "Give its address with -b HOST:PORT.")
    return Context(
        name=AD_HOC_NAME, bootstrap=parse_bootstrap(connection.bootstrap), timeout_ms=connection.timeout_ms or 30_000
    )


def make_session(context: Context, environment: Environment) -> "Session":
    """Return a session."""
    from pathlib import Path
    from kcon.gate.audit import AuditLog
    from kcon.gate.gate import Gate
    from kcon.services.session import Session
    return Session(context, Gate(context, AuditLog(Path("/tmp/kcon-audit.jsonl"))))
