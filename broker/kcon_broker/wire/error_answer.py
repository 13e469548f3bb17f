"""How does an answer say that a whole request failed, whatever its API?

As `getErrorResponse` of Kafka's request classes: the code stands where the answer first has a place for it: at the top
if it has one there, else in every item, one for each that the request names. Items are found by the shape of both
messages: an array of the answer belongs to the array of the request that has its name, or to what else the request
lists.

Fetch is an exception: the code of its top level speaks of the session, so here it holds only codes of sessions, and
those of an incremental fetch that names no partition. A client that rehearses a leader that moved looks for the code in
the partitions, which Kafka's class leaves out from version 13 on. What other classes do in their own way is in tables.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.schema import ApiMessage, Field, Struct

_CODE_FIELDS: Final = ("error_code", "partition_error_code")
_SESSION_CODES: Final = (
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
)
_PARTITION: Final = frozenset({"partition", "partition_index", "index"})
_NUMBERS_ECHOED: Final = _PARTITION | {"resource_type", "producer_id"}
"""Numbers that name an item; others (epochs, offsets) belong to what was asked, not to a failure."""
_SAME: Final = (
    _PARTITION,
    frozenset({"topic", "topic_name", "name", "user"}),
)
"""Names of one thing in requests and answers."""
_NOT_ASKED: Final = "forgotten_topics_data"
_IN_BOTH: Final = frozenset(
    {
        ApiKey.METADATA,
        ApiKey.ELECT_LEADERS,
        ApiKey.ALTER_PARTITION_REASSIGNMENTS,
        ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS,
    }
)
"""APIs whose answer has the code at the top and in each item."""
_IN_WORDS: Final = frozenset(
    {
        ApiKey.FIND_COORDINATOR,
        ApiKey.DESCRIBE_CONFIGS,
        ApiKey.ALTER_CLIENT_QUOTAS,
        ApiKey.DESCRIBE_QUORUM,
        ApiKey.UNREGISTER_BROKER,
        ApiKey.ADD_RAFT_VOTER,
        ApiKey.REMOVE_RAFT_VOTER,
        ApiKey.READ_SHARE_GROUP_STATE,
        ApiKey.WRITE_SHARE_GROUP_STATE,
        ApiKey.READ_SHARE_GROUP_STATE_SUMMARY,
        ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS,
        ApiKey.ALTER_SHARE_GROUP_OFFSETS,
        ApiKey.DELETE_SHARE_GROUP_OFFSETS,
    }
)
"""APIs whose answer has a sentence beside the code."""
_VALUES: Final[Mapping[int, Mapping[str, int | str | None]]] = {
    ApiKey.JOIN_GROUP: {"protocol_name": None},
    ApiKey.FIND_COORDINATOR: {"node_id": -1, "port": -1},
    ApiKey.INIT_PRODUCER_ID: {"producer_epoch": -1},
    ApiKey.CREATE_DELEGATION_TOKEN: {
        "principal_type": "User",
        "principal_name": "ANONYMOUS",
        "token_requester_principal_type": "User",
        "token_requester_principal_name": "ANONYMOUS",
        "issue_timestamp_ms": -1,
        "expiry_timestamp_ms": -1,
        "max_timestamp_ms": -1,
    },
    ApiKey.DESCRIBE_CLIENT_QUOTAS: {"entries": None},
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: {"user": ""},
    ApiKey.DESCRIBE_TRANSACTIONS: {"producer_id": 0, "transaction_start_time_ms": 0},
    ApiKey.READ_SHARE_GROUP_STATE: {"start_offset": 0},
    ApiKey.READ_SHARE_GROUP_STATE_SUMMARY: {"start_offset": 0},
}
"""What stands in fields that nobody asked for, where it is not what `_echo` puts there."""
_NOT_ITEMS: Final = frozenset({ApiKey.DESCRIBE_LOG_DIRS})
"""APIs whose items are not what the request names."""
_PRIMITIVES: Final = {str: "string", int: "int32", bytes: "uuid"}


def error_answer(request: ApiMessage, version: int, code: ErrorCode) -> ApiMessage | None:
    """Return the answer that refuses all of a request; None: this version of it has no place for an error."""
    answer = API_TABLE[request.API_KEY].response_class()
    is_about_items = request.API_KEY == ApiKey.FETCH and code not in _SESSION_CODES
    if is_about_items and _fill_items(answer, request, version, code):
        return answer
    if not _fill(answer, request, version, code):
        return None
    if request.API_KEY in _IN_BOTH:
        _fill_items(answer, request, version, code)
    if request.API_KEY == ApiKey.LIST_PARTITION_REASSIGNMENTS:
        _echo_topics(answer, request)
    if request.API_KEY in _IN_WORDS or request.API_KEY in _VALUES:
        _complete(answer, version, code, _VALUES.get(request.API_KEY, {}), has_words=request.API_KEY in _IN_WORDS)
    return answer


def _complete(
    part: Struct, version: int, code: ErrorCode, values: Mapping[str, int | str | None], *, has_words: bool
) -> None:
    """Give fields at every depth the values of a table, and a sentence to each code."""
    has_code = any(getattr(part, name, 0) for name in _CODE_FIELDS)
    for field in part.FIELDS:
        if field.name in values and (values[field.name] is not None or field.is_nullable_in(version)):
            setattr(part, field.name, values[field.name])
        elif field.name == "error_message" and has_words and has_code:
            setattr(part, field.name, code.name)
        elif field.array and isinstance(field.kind, type):
            for item in getattr(part, field.name) or ():
                _complete(item, version, code, values, has_words=has_words)


def _echo_topics(answer: ApiMessage, request: ApiMessage) -> None:
    """Repeat the partitions that were asked about; they have no code of their own."""
    field = next(field for field in answer.FIELDS if field.name == "topics")
    assert isinstance(field.kind, type)
    topics = []
    for asked in getattr(request, "topics", None) or ():
        topic = field.kind()
        _echo(topic, asked, 0)
        below = next(inner for inner in topic.FIELDS if inner.name == "partitions")
        assert isinstance(below.kind, type)
        partitions = []
        for index in asked.partition_indexes:
            partition = below.kind()
            _echo(partition, index, 0)
            partitions.append(partition)
        setattr(topic, below.name, partitions)
        topics.append(topic)
    setattr(answer, field.name, topics)


def _fill(answer: Struct, asked: object, version: int, code: ErrorCode) -> bool:
    """Put the code into a part of an answer, or into the items below; tell whether there was a place."""
    places = [field.name for field in answer.FIELDS if field.name in _CODE_FIELDS and field.is_in(version)]
    for name in places:
        setattr(answer, name, int(code))
    return bool(places) or _fill_items(answer, asked, version, code)


def _fill_items(answer: Struct, asked: object, version: int, code: ErrorCode) -> bool:
    is_placed = False
    if isinstance(asked, ApiMessage) and asked.API_KEY in _NOT_ITEMS:
        return False
    for field in answer.FIELDS:
        if not field.array or not isinstance(field.kind, type) or not field.is_in(version):
            continue
        if not _has_place(field.kind, version):
            continue
        items = []
        for asked_item in _asked_items(asked, field.name, version):
            item = field.kind()
            _echo(item, asked_item, version)
            is_placed |= _fill(item, asked_item, version, code)
            items.append(item)
        setattr(answer, field.name, items)
    return is_placed


def _has_place(kind: type[Struct], version: int) -> bool:
    return any(
        field.name in _CODE_FIELDS or (isinstance(field.kind, type) and field.array and _has_place(field.kind, version))
        for field in kind.FIELDS
        if field.is_in(version)
    )


def _asked_items(asked: object, name: str, version: int) -> list[Any]:
    """Return what a part of a request lists, for the array of that name in its answer."""
    if not isinstance(asked, Struct):
        return []
    lists = {field.name: getattr(asked, field.name) or [] for field in asked.FIELDS if _is_list(field, version)}
    if name in lists:
        return list(lists[name])
    if "dirs" in lists:
        return [topic for folder in lists["dirs"] for topic in folder.topics]
    return [item for listed, items in lists.items() if listed != _NOT_ASKED for item in items]


def _is_list(field: Field, version: int) -> bool:
    return field.array and field.is_in(version)


def _echo(item: Struct, asked: object, version: int) -> None:
    """Name in an item what it answers; 64-bit numbers that nobody asked for are -1, Kafka's word for "none"."""
    for field in item.FIELDS:
        if field.kind == "int64":
            setattr(item, field.name, -1)
        elif field.kind == "records":
            setattr(item, field.name, b"")
    if not isinstance(asked, Struct):
        kind = _PRIMITIVES[type(asked)]
        names = (field.name for field in item.FIELDS if field.kind == kind and field.name != "error_message")
        setattr(item, next(names), asked)
        return
    for field in item.FIELDS:
        if field.array:
            if not field.nullable and isinstance(field.kind, type) and not _has_place(field.kind, version):
                _echo_array(item, field, asked, version)
            continue
        if field.kind not in ("string", "uuid") and field.name not in _NUMBERS_ECHOED:
            continue
        name = _name_in(field.name, (known.name for known in asked.FIELDS if known.kind == field.kind))
        if name is not None:
            setattr(item, field.name, getattr(asked, name))


def _echo_array(item: Struct, field: Field, asked: Struct, version: int) -> None:
    """Repeat a list that names the item, such as the entity of a quota."""
    assert isinstance(field.kind, type)
    if all(known.name != field.name for known in asked.FIELDS):
        return
    copies = []
    for element in getattr(asked, field.name) or []:
        copy = field.kind()
        _echo(copy, element, version)
        copies.append(copy)
    setattr(item, field.name, copies)


def _name_in(name: str, names: Iterable[str]) -> str | None:
    known = list(names)
    if name in known:
        return name
    same = next((group for group in _SAME if name in group), frozenset())
    return next((other for other in known if other in same), None)
