"""`kcon context`: adds, chooses, lists and shows contexts."""

from collections.abc import Mapping
from dataclasses import fields

from kcon.cli.contexts import context_store, overrides_of
from kcon.cli.document import Block, Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.context import (
    ContextAdd,
    ContextEdit,
    ContextImport,
    ContextList,
    ContextRemove,
    ContextShell,
    ContextShow,
    ContextTest,
    ContextTrust,
    ContextUse,
)
from kcon.commands.request import Request
from kcon.contexts.client_keys import security_setting
from kcon.contexts.context import Context, parse_bootstrap
from kcon.contexts.resolve import Overrides, parse_switch
from kcon.errors import ExitCode


def run_context(request: Request, invocation: Invocation) -> int:
    """Execute one request about contexts."""
    match request:
        case ContextAdd():
            return _add(request, invocation)
        case ContextUse():
            store = context_store(invocation.environment)
            store.use(request.name)
            invocation.diagnostics.note(f"The current context is {request.name}.")
            return ExitCode.OK
        case ContextList():
            return _list(request, invocation)
        case ContextShow():
            return _show(request, invocation)
        case ContextTest():
            from kcon.cli.context_test import run_context_test
            from kcon.cli.loop import run_on_loop

            return run_on_loop(request, invocation, run_context_test)
        case ContextImport():
            from kcon.cli.context_import import import_contexts

            return import_contexts(request, invocation)
        case ContextRemove() | ContextEdit() | ContextShell() | ContextTrust():
            return _on_files(request, invocation)
        case _:
            raise AssertionError(f"not about contexts: {request.command}")


def _on_files(request: ContextRemove | ContextEdit | ContextShell | ContextTrust, invocation: Invocation) -> int:
    from kcon.cli import context_files

    match request:
        case ContextRemove():
            return context_files.remove(request, invocation)
        case ContextEdit():
            return context_files.edit(request, invocation)
        case ContextShell():
            return context_files.shell(request, invocation)
        case ContextTrust():
            return context_files.trust(request, invocation)


def _add(request: ContextAdd, invocation: Invocation) -> int:
    overrides = overrides_of(request.shared.connection)
    table: dict[str, object] = {"bootstrap": list(parse_bootstrap(overrides.bootstrap or ""))}
    security: dict[str, object] = {}
    client: dict[str, str] = {}
    for key, value in overrides.properties:
        setting = security_setting(key, value)
        if setting is None:
            client[key] = value
        else:
            security[setting[0]] = parse_switch(*setting)
    settings: Mapping[str, object | None] = {
        "mode": request.mode if request.mode != "read-write" else None,
        "color": request.color,
        "tz": overrides.tz,
        "timeout": None if overrides.timeout_ms is None else f"{overrides.timeout_ms}ms",
        "security": security or None,
        "client": client or None,
    }
    table |= {key: value for key, value in settings.items() if value is not None}
    store = context_store(invocation.environment)
    store.add(request.name, table, replace=request.replace)
    invocation.diagnostics.note(f"Context {request.name} is in {store.config_path}.")
    return ExitCode.OK


_LIST_COLUMNS = (
    Column(key="current", show=lambda value: "*" if value else ""),
    Column(key="name"),
    Column(key="bootstrap"),
    Column(key="mode"),
    Column(key="color", wide=True),
)


def _list(request: ContextList, invocation: Invocation) -> int:
    listings = context_store(invocation.environment).listings()
    items: list[Item] = [
        {
            "current": each.is_current,
            "name": each.name,
            "bootstrap": each.bootstrap,
            "mode": each.mode.value,
            "color": each.color,
        }
        for each in listings
    ]
    return invocation.show(Document(kind="ContextList", columns=_LIST_COLUMNS, items=items))


_SETTING_COLUMNS = (Column(key="setting"), Column(key="value"), Column(key="source"))


def _show(request: ContextShow, invocation: Invocation) -> int:
    overrides = overrides_of(request.shared.connection)
    if request.name is not None:
        overrides = Overrides(
            context=request.name,
            bootstrap=overrides.bootstrap,
            properties=overrides.properties,
            timeout_ms=overrides.timeout_ms,
            tz=overrides.tz,
        )
    store = context_store(invocation.environment)
    context = store.resolve(overrides)
    for warning in store.warnings:
        invocation.diagnostics.note(warning)
    rows: list[Item] = [
        {"setting": key, "value": value, "source": context.sources.get(source, "default")}
        for key, source, value in _settings(context)
    ]
    columns = _SETTING_COLUMNS if request.sources else _SETTING_COLUMNS[:2]
    facts = [
        (str(row["setting"]), show(row["value"]) + (f"  ({row['source']})" if request.sources else "")) for row in rows
    ]
    return invocation.show(
        Document(
            kind="ContextSettings",
            context=context.name,
            columns=columns,
            items=[{column.key: row[column.key] for column in columns} for row in rows],
            blocks=[Block(heading=f"Context {context.name}", facts=facts)],
            name_key="setting",
        )
    )


def _settings(context: Context) -> list[tuple[str, str, str | None]]:
    """Return name, key of the source, and value of every setting. Secrets are not among them: contexts hold none."""
    security = context.security
    settings: list[tuple[str, str, str | None]] = [
        ("bootstrap", "bootstrap", ",".join(context.bootstrap)),
        ("mode", "mode", context.mode.value),
        ("tz", "tz", context.tz_name),
        ("timeout", "timeout_ms", f"{context.timeout_ms / 1000:g}s"),
        ("color", "color", context.color),
        ("security.protocol", "security.protocol", security.protocol),
    ]
    for each in fields(security):
        value = getattr(security, each.name)
        if value != each.default and each.name != "protocol":
            text = str(value).lower() if isinstance(value, bool) else str(value)
            settings.append((f"security.{each.name}", f"security.{each.name}", text))
    settings += [(f"client.{key}", f"client.{key}", value) for key, value in sorted(context.client_config.items())]
    return settings + _rules(context)


def _rules(context: Context) -> list[tuple[str, str, str | None]]:
    rules = context.rules
    shown: list[tuple[str, str, str | None]] = []
    if rules.registry is not None:
        told = ((name, getattr(rules.registry, name)) for name in rules.registry.names())
        shown += [(f"registry.{name}", "rules", str(value)) for name, value in told if value is not None]
    for index, serde in enumerate(rules.serdes):
        words = [f"{part}={getattr(serde, part)}" for part in ("key", "value") if getattr(serde, part)]
        words += [f"fallback={','.join(serde.fallback)}"] if serde.fallback else []
        shown.append((f"serde[{index}]", "rules", f"{serde.topic}: {' '.join(words)}"))
    shown += [
        (f"mask[{index}]", "rules", f"{mask.topic}: {mask.path} with {mask.replacement}")
        for index, mask in enumerate(rules.masks)
    ]
    return shown
