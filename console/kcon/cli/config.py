"""`kcon config`: names kcon's files, and checks the configuration."""

from pathlib import Path

from kcon.cli.contexts import context_store
from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.commands.config import ConfigDoctor, ConfigPaths
from kcon.commands.request import Request
from kcon.contexts.config_doctor import Severity, examine_config
from kcon.contexts.folders import ALERTS_FILE, cache_folder, find_project_file
from kcon.contexts.import_writer import SECRETS_FOLDER
from kcon.contexts.trust import TRUST_FILE
from kcon.errors import ExitCode
from kcon.services.session import AUDIT_FILE, UNDO_FOLDER

_PATHS = (Column(key="what"), Column(key="path"), Column(key="exists"))
_FINDINGS = (Column(key="severity"), Column(key="where"), Column(key="finding"), Column(key="hint", wide=True))


def run_config(request: Request, invocation: Invocation) -> int:
    """Execute one request about kcon's own files."""
    if isinstance(request, ConfigPaths):
        return _paths(invocation)
    assert isinstance(request, ConfigDoctor), f"not about the configuration: {request.command}"
    return _doctor(request, invocation)


def _paths(invocation: Invocation) -> int:
    store = context_store(invocation.environment)
    state = store.state_folder
    project = find_project_file(invocation.environment.folder or Path.cwd())
    places = [
        ("configuration", store.config_path),
        ("secrets of imported contexts", store.config_path.parent / SECRETS_FOLDER),
        ("alert rules and sinks", store.config_path.parent / ALERTS_FILE),
        ("project file", project),
        ("state", state),
        ("current context", state / "current-context"),
        ("trusted project files", state / TRUST_FILE),
        ("audit log", state / AUDIT_FILE),
        ("undo records", state / UNDO_FOLDER),
        ("cache", cache_folder(invocation.environment.variables)),
    ]
    items: list[Item] = [
        {"what": what, "path": str(path), "exists": path.exists()} for what, path in places if path is not None
    ]
    return invocation.show(Document(kind="PathList", columns=_PATHS, items=items, name_key="path"))


def _doctor(request: ConfigDoctor, invocation: Invocation) -> int:
    store = context_store(invocation.environment)
    findings = examine_config(store)
    items: list[Item] = [
        {"severity": each.severity.value, "where": each.where, "finding": each.text, "hint": each.hint}
        for each in findings
    ]
    code = invocation.show(Document(kind="ConfigFindings", columns=_FINDINGS, items=items, name_key="where"))
    bad = {Severity.ERROR, Severity.WARNING} if request.strict else {Severity.ERROR}
    if any(each.severity in bad for each in findings):
        return ExitCode.CHECK_FAILED
    if not findings:
        invocation.diagnostics.note("Nothing is off.")
    return code
