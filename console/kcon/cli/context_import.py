"""`kcon context import`: contexts made of what other tools know."""

from importlib import import_module
from pathlib import Path
from typing import Any

from kcon.cli.contexts import context_store
from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.context import ContextImport
from kcon.contexts.config_file import check_name
from kcon.contexts.import_writer import ImportPlan, plan_import, write_secrets
from kcon.contexts.imported import Imported, choose_import, default_file, read_imports
from kcon.contexts.resolve import ContextStore
from kcon.contexts.secret import Secret
from kcon.errors import KconError, UsageError

_COLUMNS = (
    Column(key="name"),
    Column(key="bootstrap"),
    Column(key="security"),
    Column(key="secrets"),
    Column(key="result"),
)


def import_contexts(request: ContextImport, invocation: Invocation) -> int:
    """Read the file, write each context and its secrets, say what was left out."""
    environment = invocation.environment
    store = context_store(environment)
    path = Path(request.path).expanduser() if request.path else default_file(request.tool, environment.variables)
    if not path.is_absolute():
        path = (environment.folder or Path.cwd()) / path
    found = read_imports(request.tool, path)
    chosen = found if request.every else [choose_import(found, request.cluster, path)]
    items: list[Item] = []
    errors: list[ItemError] = []
    for each in chosen:
        name = request.name or _name(each.name)
        try:
            notes = _one(request, store, each, name, path)
        except KconError as error:
            errors.append(ItemError(item=f"context {name}", error=error))
            items.append(_item(each, name, "failed"))
            continue
        items.append(_item(each, name, "would be written" if request.dry_run else "written"))
        for note in notes:
            invocation.diagnostics.note(f"{name}: {note}")
    return invocation.show(Document(kind="ContextImport", columns=_COLUMNS, items=items, errors=errors))


def _one(request: ContextImport, store: ContextStore, imported: Imported, name: str, path: Path) -> tuple[str, ...]:
    check_name(name)
    if request.link:
        table: dict[str, object] = {"import": f"{request.tool}:{path}#{imported.name}"}
        if imported.pem or "token" in imported.secrets:
            raise UsageError(f"{path} holds a key, a certificate or a token itself.", "Import it without --link.")
        if not request.dry_run:
            store.add(name, table, replace=request.replace)
        return (*imported.notes, f"Its settings and secrets stay in {path} and are read from there.")
    plan = plan_import(imported, name, store.config_path.parent, keep=request.keep)
    store.check_new(name, plan.table, replace=request.replace)
    if not request.dry_run:
        # The secrets first: a context that names a file which is not there would be broken.
        write_secrets(plan, _store_in_keyring)
        store.add(name, plan.table, replace=request.replace)
    return _tenses(plan, dry_run=request.dry_run)


def _tenses(plan: ImportPlan, *, dry_run: bool) -> tuple[str, ...]:
    return tuple(note.replace(" was copied", " would be copied") for note in plan.notes) if dry_run else plan.notes


def _item(imported: Imported, name: str, result: str) -> Item:
    security = imported.security
    mechanism = security.get("mechanism")
    return {
        "name": name,
        "bootstrap": imported.bootstrap,
        "security": f"{security.get('protocol', 'PLAINTEXT')}{f' {mechanism}' if mechanism else ''}",
        "secrets": sorted(key for key, secret in imported.secrets.items() if secret),
        "result": result,
    }


def _name(text: str) -> str:
    return "".join(char if char.isalnum() or char in "._-" else "-" for char in text)[:64]


def _store_in_keyring(service: str, user: str, secret: Secret) -> None:
    try:
        keyring: Any = import_module("keyring")  # An extra: it need not be there for the types.
    except ImportError as error:
        raise UsageError("There is no keyring here.", "Install kcon[keyring], or take --secrets file.") from error
    try:
        keyring.set_password(service, user, secret.reveal())
    except keyring.errors.KeyringError as error:
        raise KconError(
            f"The keyring cannot be written ({type(error).__name__}).", "Unlock it, or take --secrets file."
        ) from error
