"""`kcon context edit`, `remove`, `trust` and `shell`: the files behind contexts, and a shell in which one is chosen."""

import os
import shlex
import subprocess
from pathlib import Path

from kcon.cli.contexts import context_store
from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.commands.context import ContextEdit, ContextRemove, ContextShell, ContextTrust
from kcon.contexts.config_file import read_config
from kcon.contexts.folders import PROJECT_FILE, find_project_file
from kcon.contexts.project_file import read_content, read_project
from kcon.contexts.resolve import Overrides
from kcon.contexts.trust import TrustStore
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, KconError, NotFoundError, UsageError

_NEW_FILE = """\
# The contexts of kcon; `kcon context --help` tells more.
# [context.prod]
# bootstrap = ["b1:9092", "b2:9092"]
# mode = "read-only"
"""


def remove(request: ContextRemove, invocation: Invocation) -> int:
    """Take a context out of the configuration."""
    store = context_store(invocation.environment)
    store.remove(request.name)
    invocation.diagnostics.note(f"Context {request.name} is no longer in {store.config_path}.")
    return ExitCode.OK


def edit(_request: ContextEdit, invocation: Invocation) -> int:
    """Edit a copy, check it, and only then put it in place. A copy that is off is kept, and named."""
    store = context_store(invocation.environment)
    variables = invocation.environment.variables
    command = variables.get("VISUAL") or variables.get("EDITOR") or "vi"
    target = store.config_path.resolve()
    before = target.read_text("utf-8") if target.exists() else _NEW_FILE
    copy = target.with_name("config.edited.toml")
    _write(copy, before)
    _run([*shlex.split(command), str(copy)], invocation, "Set EDITOR to a program that is there.")
    if copy.read_text("utf-8", "replace") == before:
        copy.unlink()
        invocation.diagnostics.note("Nothing was changed.")
        return ExitCode.OK
    try:
        config = read_config(copy)
        for name in config.contexts:
            store.build(config, name).security.check()
    except KconError as error:
        error.hint = f"{error.hint} The old file stands; yours is {copy}.".strip()
        raise
    copy.replace(target)
    invocation.diagnostics.note(f"{store.config_path} holds {len(config.contexts)} contexts.")
    return ExitCode.OK


def shell(request: ContextShell, invocation: Invocation) -> int:
    """Run the user's shell with the context chosen; return the shell's exit code."""
    store = context_store(invocation.environment)
    context = store.resolve(Overrides(context=request.name))
    command = invocation.environment.variables.get("SHELL") or "/bin/sh"
    invocation.diagnostics.note(
        f"In this shell the context is {context.name} ({context.mode.value}, {', '.join(context.bootstrap)}). "
        "`exit` leaves it."
    )
    return _run([command], invocation, "Set SHELL to a program that is there.", {"KCON_CONTEXT": request.name})


_TRUSTED = (Column(key="path"), Column(key="state"), Column(key="sha256", wide=True))


def trust(request: ContextTrust, invocation: Invocation) -> int:
    """Trust a project file as it is now, take the trust back, or list what is trusted."""
    store = context_store(invocation.environment)
    trusted = TrustStore(store.state_folder)
    if request.list_files:
        return _list(trusted, invocation)
    path = _project_path(request, invocation)
    if request.revoke:
        trusted.revoke(path)
        invocation.diagnostics.note(f"{path} is no longer trusted.")
        return ExitCode.OK
    content = read_content(path)
    trusted.trust(path, content)
    try:
        project = read_project(path, trusted)
    except UsageError:
        trusted.revoke(path)
        raise
    for line in _contents(project.contexts):
        invocation.diagnostics.plain_line(f"  {line}")
    invocation.diagnostics.note(f"{path} is trusted until it changes.")
    return ExitCode.OK


def _list(trusted: TrustStore, invocation: Invocation) -> int:
    items: list[Item] = []
    for name, sha256 in sorted(trusted.trusted().items()):
        path = Path(name)
        try:
            state = "trusted" if trusted.is_trusted(path, read_content(path)) else "changed"
        except UsageError:
            state = "missing"
        items.append({"path": name, "state": state, "sha256": sha256})
    return invocation.show(Document(kind="TrustedFileList", columns=_TRUSTED, items=items, name_key="path"))


def _project_path(request: ContextTrust, invocation: Invocation) -> Path:
    folder = invocation.environment.folder or Path.cwd()
    found = folder / request.path if request.path is not None else find_project_file(folder)
    if found is None:
        raise NotFoundError(f"There is no {PROJECT_FILE} here.", "It is looked for in this folder and those above it.")
    return found / PROJECT_FILE if found.is_dir() else found


def _contents(contexts: object) -> list[str]:
    """Return what a trusted file brings, a line a setting, so that nobody trusts what they did not see."""
    lines: list[str] = []

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                walk(part, f"{path}.{key}" if path else str(key))
        else:
            lines.append(f"context.{path} = {display_safe(str(value))}")

    walk(contexts, "")
    return lines


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise KconError(f"Cannot write {path}: {error.strerror or error}.", "Check its permissions.") from error


def _run(words: list[str], invocation: Invocation, hint: str, more: dict[str, str] | None = None) -> int:
    """Run a program on this terminal and return its exit code."""
    environment = {**invocation.environment.variables, **(more or {})}
    try:
        code = subprocess.run(words, env=environment, check=False).returncode
    except OSError as error:
        raise KconError(f"Cannot run {words[0]}: {error.strerror or error}.", hint) from error
    return code if code >= 0 else 128 - code
