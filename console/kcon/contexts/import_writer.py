"""How does what another tool knows become a context? Settings for config.toml, and its secrets beside it, not in it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kcon.contexts.imported import Imported
from kcon.contexts.secret import Secret
from kcon.contexts.security import OAUTHBEARER, PASSWORD_MECHANISMS
from kcon.errors import KconError

SECRETS_FOLDER: Final = "secrets"
KEEPS: Final = ("file", "keyring", "skip")

StoreInKeyring = Callable[[str, str, Secret], None]
"""Keeps a secret: service, user, secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """A context to be written, and the files that it needs."""

    name: str
    table: Mapping[str, object]
    files: Mapping[Path, Secret]
    """What is to be written, each readable by its owner alone."""
    keyring: Mapping[tuple[str, str], Secret]
    """What is to be kept in the keyring, by service and user."""
    notes: tuple[str, ...]


def plan_import(imported: Imported, name: str, config_folder: Path, *, keep: str) -> ImportPlan:
    """Turn a cluster of another tool into a context. keep: where its secrets go, of `KEEPS`."""
    security, registry = dict(imported.security), dict(imported.registry)
    secrets = {key: secret for key, secret in imported.secrets.items() if secret and _is_used(key, security)}
    folder = config_folder / SECRETS_FOLDER
    files: dict[Path, Secret] = {}
    keyring: dict[tuple[str, str], Secret] = {}
    notes = list(imported.notes)
    for kind, pem in imported.pem.items():
        path = folder / f"{name}.{kind}.pem"
        security[kind] = str(path)
        files[path] = pem
    for key, secret in secrets.items():
        if keep == "skip":
            notes.append(f"The {_words(key)} was left out.")
        elif keep == "keyring" and key == "password":
            keyring[f"kcon/{name}", str(security.get("username") or security.get("client_id") or "")] = secret
            security["keyring"] = True
        else:
            path = folder / f"{name}.{key.replace('_', '-')}"
            files[path] = secret
            if key == "registry_password":
                registry["password_file"] = str(path)
            else:
                security[f"{key}_file"] = str(path)
    notes += [f"{path} was copied from the file; it is open to you alone." for path in files]
    notes += [f"The password of {user} is in the keyring, service {service}." for service, user in keyring]
    table: dict[str, object] = {
        "bootstrap": (imported.bootstrap or "").split(",") if imported.bootstrap else None,
        "timeout": f"{imported.timeout_ms}ms" if imported.timeout_ms else None,
        "security": security or None,
        "client": dict(imported.client) or None,
        "registry": registry or None,
    }
    return ImportPlan(
        name=name,
        table={key: value for key, value in table.items() if value is not None},
        files=files,
        keyring=keyring,
        notes=tuple(notes),
    )


def write_secrets(plan: ImportPlan, store_in_keyring: StoreInKeyring) -> None:
    """Write the files and fill the keyring. KconError says what cannot be written."""
    for (service, user), secret in plan.keyring.items():
        store_in_keyring(service, user, secret)
    for path, secret in plan.files.items():
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(secret.reveal())
            temporary.replace(path)
        except OSError as error:
            raise KconError(f"Cannot write {path}: {error.strerror or error}.", "Check its permissions.") from error


def _is_used(key: str, security: Mapping[str, object]) -> bool:
    mechanism = str(security.get("mechanism", "")).upper()
    match key:
        case "password":
            return mechanism in PASSWORD_MECHANISMS or "token_url" in security
        case "token":
            return mechanism == OAUTHBEARER
        case "key_password":
            return "keystore" in security or "cert" in security or "key" in security
        case "ca_password":
            return "ca" in security
        case _:
            return True


def _words(key: str) -> str:
    return key.replace("_", " ")
