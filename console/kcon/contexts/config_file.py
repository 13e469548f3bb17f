"""Which contexts does config.toml hold, and is every line of it understood? Reading; what is off is a UsageError."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Final, cast

from kcon.contexts.client_keys import SECRET_KEYS, known_key
from kcon.contexts.context import AD_HOC_NAME, Mode
from kcon.contexts.rules import parse_rules
from kcon.contexts.security import Security
from kcon.errors import UsageError

_NAME_MAX: Final = 64
_KEYS: Final = frozenset(
    {
        "bootstrap",
        "color",
        "import",
        "metrics",
        "mode",
        "tz",
        "timeout",
        "security",
        "client",
        "registry",
        "serde",
        "mask",
    }
)
_SECURITY_KEYS: Final = frozenset(field.name for field in fields(Security))
_SECURITY_SWITCHES: Final = frozenset({"keyring", "insecure", "verify_host"})
_INLINE_SECRETS: Final = frozenset(
    {"password", "secret", "client_secret", "token", "sasl_password", "key_password", "ca_password"}
)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """config.toml as read: the tables of its contexts, each checked key by key."""

    path: Path
    contexts: Mapping[str, Mapping[str, object]]

    def table(self, name: str) -> Mapping[str, object]:
        """Return the table of one context. UsageError names the nearest one."""
        if name in self.contexts:
            return self.contexts[name]
        near = get_close_matches(name, self.contexts, n=1)
        hint = f"Did you mean {near[0]}?" if near else "See `kcon context list`, or add it with `kcon context add`."
        raise UsageError(f"There is no context {name!r} in {self.path}.", hint)


def read_config(path: Path) -> ConfigFile:
    """Read config.toml; a missing file holds no contexts."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ConfigFile(path, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}.", "Fix the file.") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.", "Check its permissions.") from error
    contexts = document.get("context", {})
    if not isinstance(contexts, dict):
        raise UsageError(f"{path}: context is not a table.", "Write [context.NAME].")
    check_contexts(path, contexts)
    return ConfigFile(path, contexts)


def check_contexts(path: Path, contexts: Mapping[str, object], *, bootstrap_required: bool = True) -> None:
    """Check the tables of contexts key by key. UsageError names the first that is off."""
    for name, table in contexts.items():
        _check_context(path, name, table, bootstrap_required=bootstrap_required)


def check_name(name: str) -> str:
    """Return a context's name. UsageError when it is no good as one."""
    allowed = all(char.isalnum() or char in "._-" for char in name)
    if not name or not allowed or len(name) > _NAME_MAX or name == AD_HOC_NAME:
        raise UsageError(f"Not a name for a context: {name!r}.", "Use letters, digits, '.', '_' and '-'.")
    return name


def parse_mode(text: str, where: str) -> Mode:
    """Read a mode. UsageError names the place it came from."""
    try:
        return Mode(text)
    except ValueError as error:
        raise UsageError(f"{where}: not a mode: {text!r}.", "Give read-write, read-only or protect.") from error


def _check_context(path: Path, name: str, table: object, *, bootstrap_required: bool) -> None:
    where = f"{path}: [context.{name}]"
    if not isinstance(table, dict):
        raise UsageError(f"{where} is not a table.", "Write [context.NAME] and its keys below.")
    _check_keys(where, table, _KEYS)
    bootstrap = table.get("bootstrap")
    listed = isinstance(bootstrap, list) and bool(bootstrap) and all(isinstance(item, str) for item in bootstrap)
    needed = bootstrap_required and "import" not in table
    if (needed or bootstrap is not None) and not listed and not isinstance(bootstrap, str):
        raise UsageError(f"{where} has no bootstrap addresses.", 'Write bootstrap = ["host:9092"].')
    for key in ("color", "import", "metrics", "mode", "tz", "timeout"):
        if key in table and not isinstance(table[key], str):
            raise UsageError(f"{where}: {key} is not text.", "Put it in quotes.")
    if "mode" in table:
        parse_mode(str(table["mode"]), where)
    _check_security(where, table.get("security", {}))
    _check_client(where, table.get("client", {}))
    parse_rules(where, table)


def _check_security(where: str, security: object) -> None:
    where = where.replace("]", ".security]")
    if not isinstance(security, dict):
        raise UsageError(f"{where} is not a table.", "Write [context.NAME.security] and its keys below.")
    for key in security.keys() & _INLINE_SECRETS:
        kind = key if key in {"token", "key_password", "ca_password"} else "password"
        raise UsageError(f"{where}: {key} would be readable in the file.", f"Use {kind}_cmd or {kind}_file.")
    _check_keys(where, security, _SECURITY_KEYS)
    for key, value in security.items():
        if not isinstance(value, bool if key in _SECURITY_SWITCHES else str):
            hint = f"{', '.join(sorted(_SECURITY_SWITCHES))} are true or false, the others are text."
            raise UsageError(f"{where}: {key} has the wrong type.", hint)


def _check_client(where: str, client: object) -> None:
    where = where.replace("]", ".client]")
    if not isinstance(client, dict):
        raise UsageError(f"{where} is not a table.", "Write [context.NAME.client] and librdkafka's keys below.")
    for key in client:
        if key in SECRET_KEYS:
            raise UsageError(f"{where}: {key} is a secret.", "Use password_cmd or password_file in security.")
        known_key(key)


def _check_keys(where: str, table: Mapping[str, object], known: frozenset[str]) -> None:
    for key in table.keys() - known:
        near = get_close_matches(key, known, n=1)
        raise UsageError(
            f"{where}: unknown key {key!r}.", f"Did you mean {near[0]}?" if near else f"Known: {sorted(known)}."
        )


def bootstrap_of(table: Mapping[str, object]) -> str | None:
    """Return the addresses of a checked context, separated by commas; None when it leaves them to another source."""
    bootstrap = table.get("bootstrap")
    return bootstrap if bootstrap is None or isinstance(bootstrap, str) else ",".join(cast("list[str]", bootstrap))
