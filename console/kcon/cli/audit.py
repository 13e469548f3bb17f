"""`kcon audit`: shows what was changed, or refused, from this machine."""

from collections.abc import Iterator, Mapping

from kcon.cli.contexts import context_store
from kcon.cli.document import Column, Document, Item, Value, int64
from kcon.cli.invocation import Invocation
from kcon.commands.audit import Audit
from kcon.commands.request import Request
from kcon.contexts.zones import local_zone, parse_zone
from kcon.core.times import format_time, parse_time_ms
from kcon.core.wire_text import WireText
from kcon.gate.audit import AuditLog
from kcon.services.names import compile_pattern
from kcon.services.session import AUDIT_FILE

_TARGETS_SHOWN_MAX = 3


def run_audit(request: Request, invocation: Invocation) -> int:
    """Show the entries that fit, the oldest first."""
    assert isinstance(request, Audit)
    store = context_store(invocation.environment)
    named = request.shared.connection.tz
    tz = parse_zone(named) if named else local_zone(invocation.environment.variables)[0]
    now_ms = invocation.environment.now_ms()
    since_ms = None if request.since is None else parse_time_ms(request.since.removeprefix("@"), now_ms=now_ms, tz=tz)
    found = list(_fitting(request, AuditLog(store.state_folder / AUDIT_FILE), since_ms))
    if request.count is not None:
        found = found[len(found) - min(request.count, len(found)) :]
    columns = (
        Column(key="time_ms", header="TIME", show=lambda value: format_time(_int(value), tz, milliseconds=False)),
        Column(key="event"),
        Column(key="operation"),
        Column(key="context"),
        Column(key="targets", show=_shown),
        Column(key="target_count", header="COUNT", right=True, drop=2),
        Column(key="user", drop=1),
        Column(key="confirmed_by", drop=3),
        Column(key="reason", wide=True),
        Column(key="cluster_id", wide=True),
        Column(key="permit", wide=True),
    )
    return invocation.show(
        Document(kind="AuditList", columns=columns, items=[_item(entry) for entry in found], name_key="operation")
    )


def _fitting(request: Audit, log: AuditLog, since_ms: int | None) -> Iterator[Mapping[str, object]]:
    operations = [compile_pattern(text, regex=False) for text in request.operations]
    targets = [compile_pattern(text, regex=False) for text in request.targets]
    context = request.shared.connection.context
    for entry in log.entries():
        names = entry.get("targets")
        if (
            (since_ms is None or _int(entry.get("time_ms")) >= since_ms)
            and (context is None or entry.get("context") == context)
            and (not request.events or entry.get("event") in request.events)
            and (not operations or any(each.fullmatch(str(entry.get("operation"))) for each in operations))
            and (not targets or any(each.fullmatch(str(name)) for name in _list(names) for each in targets))
        ):
            yield entry


def _item(entry: Mapping[str, object]) -> Item:
    # Names in the log came from the wire once; the file is also anybody's who may write it.
    text = {key: WireText(str(entry[key])) for key in _TEXTS if entry.get(key) is not None}
    return {
        "time_ms": int64(_int(entry.get("time_ms"))),
        **{key: text.get(key) for key in ("event", "operation", "context")},
        "targets": [WireText(str(name)) for name in _list(entry.get("targets"))],
        "target_count": _int(entry.get("target_count")),
        **{key: text.get(key) for key in ("user", "confirmed_by", "reason", "cluster_id", "permit")},
    }


_TEXTS = ("event", "operation", "context", "user", "confirmed_by", "reason", "cluster_id", "permit")


def _shown(value: Value) -> str:
    names = value if isinstance(value, list) else []
    more = len(names) - _TARGETS_SHOWN_MAX
    return ", ".join(str(name) for name in names[:_TARGETS_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
