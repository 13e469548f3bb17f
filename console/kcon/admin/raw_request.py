"""How is one request sent as the user wrote it? Any API of the table, field by field, judged like every other."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import ask, change
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest, WriteRequest, mutates
from kcon.admin.schema import Field, Struct, entity_type
from kcon.core.wire_text import display_safe
from kcon.errors import RefusedError, UsageError
from kcon.gate.permit import Operation, Permit


class RawRequest(NamedTuple):
    """One request of the user's."""

    api: Api
    version: int | None
    """None: the highest that the broker and kcon speak."""
    fields: Mapping[str, Any]
    """As in JSON: Kafka's names, in any spelling."""


def _near(wanted: str) -> str:
    from difflib import get_close_matches

    titles = {each.title.lower(): each.title for each in Api}
    near = [titles[each] for each in get_close_matches(wanted, titles, n=3)]
    return f"Did you mean {' or '.join(near)}?" if near else "`kcon cluster versions` names the APIs that it speaks."


def parse_raw(api: str, version: int | None, data: str) -> RawRequest:
    """Read an API by name or key, and its fields as a JSON object. UsageError says what is off."""
    wanted = api.replace("_", "").replace("-", "").lower()
    found = next((each for each in Api if wanted in {each.title.lower(), str(each.key)}), None)
    if found is None:
        raise UsageError(f"kcon does not speak {display_safe(api)!r}.", _near(wanted))
    if version is not None and not found.version_min <= version <= found.version_max:
        raise UsageError(f"kcon speaks versions {found.version_min} to {found.version_max} of {found.title}.")
    try:
        fields = json.loads(data)
    except ValueError as error:
        raise UsageError(f"--data is no JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise UsageError("--data must be a JSON object of the request's fields.")
    _values(fields, entity_type(found, found.version_max if version is None else version, "request"))
    return RawRequest(found, version, fields)


def changes_cluster(request: RawRequest) -> bool:
    """Tell whether it could change the cluster. What is not known to be a read could."""
    top = entity_type(request.api, request.api.version_max if request.version is None else request.version, "request")
    return mutates(_read(request, top))


async def send_raw(
    cluster: Cluster, request: RawRequest, permit: Permit | None, deadline: Deadline, to: int | None
) -> dict[str, Any]:
    """Send it to a broker (None: to any); return the answer as JSON values under Kafka's names."""
    if to is not None:
        version = await cluster.choose_version(_bare(request), deadline, to)
    else:
        version = (await cluster.versions(deadline)).choose(_bare(request), "The broker")
    top = entity_type(request.api, version, "request")
    read = _read(request, top, version)
    if mutates(read):
        if permit is None:
            raise RefusedError(f"{request.api.title} may change the cluster and was not permitted.")
        write = WriteRequest(api=request.api, values=read.values, raw=True, version_min=version, version_max=version)
        with permit.use(context=cluster.settings.context, operation=Operation.RAW, targets={request.api.title}):
            told = await change(cluster, write, permit, deadline, to)
    else:
        told = await ask(cluster, read, deadline, to)
    return _json_fields(told, entity_type(request.api, version, "response"))


def _bare(request: RawRequest) -> ReadRequest:
    return ReadRequest(api=request.api, version_min=request.version, version_max=request.version)


def _read(request: RawRequest, top: Struct, version: int | None = None) -> ReadRequest:
    return ReadRequest(
        api=request.api, values=_values(request.fields, top), raw=True, version_min=version, version_max=version
    )


# --- names and values -----------------------------------------------------------------------------------------


def _values(fields: Mapping[str, Any], of: Struct) -> dict[str, object]:
    """Turn JSON into the values that the encoder takes. UsageError for a name that the message does not have."""
    by_name = {_plain(spelling): item for item in of.fields for spelling in (item.name, _kafka_name(item))}
    values: dict[str, object] = {}
    for name, value in fields.items():
        item = by_name.get(_plain(name))
        if item is None:
            known = ", ".join(_kafka_name(each) for each in of.fields) or "none"
            raise UsageError(f"{of.name} v{of.version} has no field {name!r}.", f"Its fields: {known}.")
        values[item.name] = [_value(each, item) for each in value] if isinstance(value, list) else _value(value, item)
    return values


def _value(value: Any, item: Field) -> object:
    if item.nested is not None and isinstance(value, dict):
        return _values(value, item.nested)
    if item.type in {"bytes", "records"} and isinstance(value, str):
        import base64

        try:
            return base64.b64decode(value, validate=True)
        except ValueError as error:
            raise UsageError(f"{_kafka_name(item)} wants base64, as bytes are written in JSON.") from error
    if item.type == "uuid" and isinstance(value, str):
        import base64
        from uuid import UUID

        try:
            return UUID(bytes=base64.urlsafe_b64decode(value + "=="))
        except ValueError as error:
            raise UsageError(f"{_kafka_name(item)} wants an id as Kafka writes it.") from error
    return value


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _kafka_name(item: Field) -> str:
    """Spell a field as Kafka's JSON does: `timeoutMs`. The schema carries times without their unit."""
    first, *rest = item.name.split("_")
    timed = item.type.startswith("timedelta") and not item.name.endswith("_ms")
    return first + "".join(part.title() for part in rest) + ("Ms" if timed else "")


def _json_fields(row: Any, of: Struct) -> dict[str, Any]:
    return {_kafka_name(item): _json_value(getattr(row, item.name), item) for item in of.fields}


def _json_value(value: Any, item: Field) -> Any:
    if value is None:
        return None
    if item.is_array:
        element = item._replace(is_array=False)
        return [_json_value(each, element) for each in value]
    if item.nested is not None:
        return _json_fields(value, item.nested)
    if item.type in {"bytes", "records"}:
        import base64

        return base64.b64encode(value).decode()
    if item.type == "uuid":
        from kcon.admin.topics import format_topic_id

        return format_topic_id(value.bytes)
    return value
