"""Is anything in the configuration off? Every context, the files it names, and who may read them; no connection."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from kcon.contexts.config_file import ConfigFile, read_config
from kcon.contexts.context import Context
from kcon.contexts.import_writer import SECRETS_FOLDER
from kcon.contexts.resolve import ContextStore
from kcon.contexts.secrets import exposed_files
from kcon.contexts.security import AWS_MSK_IAM, Security
from kcon.errors import KconError

_FILES: Final = (
    "ca",
    "cert",
    "key",
    "keystore",
    "password_file",
    "key_password_file",
    "ca_password_file",
    "token_file",
)
VARIABLES: Final = frozenset(
    {
        "KCON_CONTEXT",
        "KCON_BOOTSTRAP",
        "KCON_COLOR",
        "KCON_MODE",
        "KCON_TZ",
        "KCON_TIMEOUT",
        "KCON_READ_ONLY",
        "KCON_CONFIG_DIR",
        "KCON_STATE_DIR",
        "KCON_CACHE_DIR",
        "KCON_TRACEBACK",
        "KCON_HISTORY",
        "KCON_PAGER",
        "KCON_PLUGINS",
        "KCON_THEME",
        "KCON_SECURITY_PASSWORD",
        "KCON_SECURITY_KEY_PASSWORD",
        "KCON_SECURITY_CA_PASSWORD",
        "KCON_SECURITY_TOKEN",
    }
    | {f"KCON_SECURITY_{name.upper()}" for name in Security.__dataclass_fields__}
)


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"
    """A command would stop over it."""
    WARNING = "warning"
    """It works, and is dangerous or without effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is off."""

    severity: Severity
    where: str
    text: str
    hint: str = ""


def examine_config(store: ContextStore) -> list[Finding]:
    """Return what is off, errors first."""
    found = [*_of_file(store), *_of_contexts(store), *_of_variables(store)]
    return sorted(found, key=lambda each: each.severity is not Severity.ERROR)


def _of_file(store: ContextStore) -> Iterator[Finding]:
    path = store.config_path
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield _warning(str(path), "Others can write it, and so choose what kcon runs.", f"chmod 600 {path}")
    current = store.current()
    try:
        project = store.project
        if project is not None and project.warning is not None:
            yield _warning(str(project.path), project.warning)
        config = store.config()
    except KconError as error:
        yield _error(str(path), error)
        return
    if current is not None and current not in config.contexts:
        yield _warning(str(store.state_folder), f"The current context {current} is not there.", "kcon context use NAME")


def _of_contexts(store: ContextStore) -> Iterator[Finding]:
    try:
        config = store.config()
    except KconError:
        return  # Said above.
    for name in sorted(config.contexts):
        where = f"context {name}"
        try:
            context = store.build(config, name)
            context.security.check()
        except KconError as error:
            yield _error(where, error)
            continue
        yield from _of_context(where, context)
    yield from _orphans(store, config)


def _of_context(where: str, context: Context) -> Iterator[Finding]:
    security = context.security
    for name in _FILES:
        path = getattr(security, name)
        if path is None:
            continue
        try:
            with Path(path).expanduser().open("rb"):
                pass
        except OSError as error:
            yield Finding(severity=Severity.ERROR, where=where, text=f"{name} {path}: {error.strerror or error}.")
    for sentence in exposed_files(security):
        yield _warning(where, sentence.removeprefix("WARNING: "))
    if security.insecure:
        yield _warning(where, "insecure = true: any certificate is believed.", "Set ca instead.")
    elif security.uses_tls and not security.verify_host:
        yield _warning(where, "verify_host = false: a broker's certificate may be for any other host.")
    for package, needed, extra in (
        ("keyring", security.keyring, "keyring"),
        ("botocore", security.mechanism == AWS_MSK_IAM, "msk"),
    ):
        if needed and find_spec(package) is None:
            yield Finding(
                severity=Severity.ERROR, where=where, text=f"It needs {package}.", hint=f"Install kcon[{extra}]."
            )


def _orphans(store: ContextStore, config: ConfigFile) -> Iterator[Finding]:
    folder = store.config_path.parent / SECRETS_FOLDER
    told = str(config.contexts)
    try:
        paths = sorted(folder.iterdir())
        own = read_config(store.config_path)
    except (OSError, KconError):
        return
    for path in paths:
        if str(path) not in told and str(path) not in str(own.contexts):
            yield _warning(str(path), "No context names this file any more.", f"rm {path}")


def _of_variables(store: ContextStore) -> Iterator[Finding]:
    for name in sorted(store.environment):
        if name.startswith("KCON_") and name not in VARIABLES and not name.startswith("KCON_TEST"):
            near = get_close_matches(name, VARIABLES, n=1)
            yield _warning(f"environment {name}", "It has no effect.", f"Did you mean {near[0]}?" if near else "")


def _error(where: str, error: KconError) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, text=error.message, hint=error.hint)


def _warning(where: str, text: str, hint: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, where=where, text=text, hint=hint)
