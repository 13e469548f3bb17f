"""Which context do the command line, the environment and the files choose?"""

from pathlib import Path

from kcon.cli.environment import Environment
from kcon.commands.request import Connection
from kcon.contexts.client_keys import parse_property
from kcon.contexts.resolve import ContextStore, Overrides


def context_store(environment: Environment) -> ContextStore:
    """Return the contexts that this process knows."""
    return ContextStore(environment=environment.variables, folder=environment.folder or Path.cwd())


def overrides_of(connection: Connection) -> Overrides:
    """Return what the options say. UsageError for an unknown key, or for a secret."""
    return Overrides(
        bootstrap=connection.bootstrap,
        context=connection.context,
        properties=tuple(parse_property(f"{key}={value}") for key, value in connection.properties),
        timeout_ms=connection.timeout_ms,
        tz=connection.tz,
    )
