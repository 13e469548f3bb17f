"""Bugs to be put into a broker in this process, one at a time: each must be seen by the comparison.

Each is what a careless change could do, in a handler that otherwise goes on as before.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from kcon_broker.handlers.registry import HANDLERS, Answer, HandlerFunction, RequestContext
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode

Change = Callable[[RequestContext, Any], None]
"""Change a request before, or an answer after the handler."""


@dataclass(frozen=True, slots=True)
class SeededBug:
    """One bug, in one handler."""

    name: str
    key: ApiKey
    of_request: Change | None = None
    of_answer: Change | None = None

    def handler(self) -> Any:
        """Return the handler with the bug in it."""
        sound = HANDLERS[self.key]
        return replace(sound, handle=self._wrapped(sound.handle))

    def _wrapped(self, handle: HandlerFunction) -> HandlerFunction:
        def buggy(ctx: RequestContext, request: Any) -> Any:
            if self.of_request is not None:
                self.of_request(ctx, request)
            result = handle(ctx, request)
            if self.of_answer is not None and isinstance(result, Answer):
                self.of_answer(ctx, result.response)
            return result

        return buggy


def _each(*path: str) -> Callable[[Any], list[Any]]:
    """Return a function that collects what lies at the end of a path of lists."""

    def collect(response: Any) -> list[Any]:
        found = [response]
        for name in path:
            found = [entry for value in found for entry in getattr(value, name)]
        return found

    return collect


def _set_where(path: tuple[str, ...], field: str, old: Any, new: Any) -> Change:
    """Replace one value of a field by another, wherever it stands."""

    def change(_: RequestContext, response: Any) -> None:
        for value in _each(*path)(response):
            if getattr(value, field) == old:
                setattr(value, field, new)

    return change


def _off_by_one(_: RequestContext, response: Any) -> None:
    for partition in _each("topics", "partitions")(response):
        if partition.offset > 0:
            partition.offset -= 1


def _forget_last_partition(_: RequestContext, response: Any) -> None:
    # Answers for all topics are kept encoded.
    for topic in getattr(response, "topics", ()):
        if len(topic.partitions) > 1:
            topic.partitions.pop()


def _forget_metadata(_: RequestContext, request: Any) -> None:
    for partition in _each("topics", "partitions")(request):
        partition.committed_metadata = ""


def _ignore_current_epoch(_: RequestContext, request: Any) -> None:
    for partition in _each("topics", "partitions")(request):
        partition.current_leader_epoch = -1


def _take_any_generation(ctx: RequestContext, request: Any) -> None:
    group = ctx.broker.groups.groups.get(request.group_id)
    if group is not None:
        request.generation_id = group.generation


def _answer_old_versions_alike(ctx: RequestContext, request: Any) -> None:
    ctx.api_version = max(ctx.api_version, 7)


def _change_for_real(_: RequestContext, request: Any) -> None:
    request.validate_only = False


SEEDED_BUGS: Final = (
    SeededBug("ListOffsets tells one too few", ApiKey.LIST_OFFSETS, of_answer=_off_by_one),
    SeededBug("Metadata forgets a partition", ApiKey.METADATA, of_answer=_forget_last_partition),
    SeededBug("OffsetCommit forgets the note", ApiKey.OFFSET_COMMIT, of_request=_forget_metadata),
    SeededBug("Fetch does not check the leader epoch", ApiKey.FETCH, of_request=_ignore_current_epoch),
    SeededBug(
        "OffsetForLeaderEpoch does not check the leader epoch",
        ApiKey.OFFSET_FOR_LEADER_EPOCH,
        of_request=_ignore_current_epoch,
    ),
    SeededBug("Heartbeat takes any generation", ApiKey.HEARTBEAT, of_request=_take_any_generation),
    SeededBug("ListOffsets knows -3 and -4 too early", ApiKey.LIST_OFFSETS, of_request=_answer_old_versions_alike),
    SeededBug("CreatePartitions validates for real", ApiKey.CREATE_PARTITIONS, of_request=_change_for_real),
    SeededBug("CreateTopics validates for real", ApiKey.CREATE_TOPICS, of_request=_change_for_real),
    SeededBug(
        "DeleteTopics is silent about a missing topic",
        ApiKey.DELETE_TOPICS,
        of_answer=_set_where(("responses",), "error_code", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NONE),
    ),
    SeededBug(
        "Produce calls a bad record corrupt",
        ApiKey.PRODUCE,
        of_answer=_set_where(
            ("responses", "partition_responses"),
            "error_code",
            ErrorCode.INVALID_RECORD,
            ErrorCode.CORRUPT_MESSAGE,
        ),
    ),
    SeededBug(
        "DeleteRecords takes any offset",
        ApiKey.DELETE_RECORDS,
        of_answer=_set_where(("topics", "partitions"), "error_code", ErrorCode.OFFSET_OUT_OF_RANGE, ErrorCode.NONE),
    ),
    SeededBug(
        "DescribeGroups calls the missing Empty",
        ApiKey.DESCRIBE_GROUPS,
        of_answer=_set_where(("groups",), "group_state", "Dead", "Empty"),
    ),
    SeededBug(
        "JoinGroup skips the second step",
        ApiKey.JOIN_GROUP,
        of_answer=_set_where((), "error_code", ErrorCode.MEMBER_ID_REQUIRED, ErrorCode.NONE),
    ),
    SeededBug(
        "DescribeConfigs takes own values for defaults",
        ApiKey.DESCRIBE_CONFIGS,
        of_answer=_set_where(("results", "configs"), "config_source", 1, 5),
    ),
)
