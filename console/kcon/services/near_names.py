"""Which name was probably meant? Topics and groups of the cluster that are spelt nearly like one that is not there.

Asked only after something was not found. A listing that fails leaves the usual hint: it must not hide what was wrong.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kcon.core.ids import GroupId, TopicName
from kcon.core.wire_text import WireText
from kcon.errors import KconError, NotFoundError

if TYPE_CHECKING:
    from kcon.admin.client import Admin
    from kcon.core.kafka_error import KafkaError

NEAR_MAX: Final = 3
ASKED_MAX: Final = 20
"""Of a long list of names that are not there only so many are compared with all that are."""
LIKENESS: Final = 0.7
_MISSING: Final = "UNKNOWN_TOPIC_OR_PARTITION"
_TOPIC_HINT: Final = "`kcon topic list` shows the names."
_GROUP_HINT: Final = "`kcon group list` shows the names."


def near_names(name: str, existing: Iterable[str]) -> list[str]:
    """Return at most three of the existing names, the nearest first; upper and lower case make no difference."""
    from difflib import get_close_matches  # Needed after a slip alone.

    by_folded: dict[str, str] = {}
    for each in existing:
        if each != name and (name.startswith("__") or not each.startswith("__")):  # Kafka's own are rarely meant.
            by_folded.setdefault(each.casefold(), each)
    found = get_close_matches(name.casefold(), by_folded, n=NEAR_MAX, cutoff=LIKENESS)
    return [by_folded[folded] for folded in found]


def did_you_mean(names: Collection[str], otherwise: str) -> str:
    """Return a hint with names of the wire, made safe; `otherwise` where there are none."""
    shown = [str(WireText(name)) for name in names]
    if not shown:
        return otherwise
    return f"Did you mean {', '.join(shown[:-1])}{' or ' if shown[1:] else ''}{shown[-1]}?"


async def near_topics(admin: "Admin", missing: Collection[str]) -> dict[str, list[str]]:
    """Return by missing topic the names near it."""
    if not missing:
        return {}
    with suppress(KconError):
        existing = [topic.name.raw for topic in await admin.topics()]
        return {name: near_names(name, existing) for name in list(missing)[:ASKED_MAX]}
    return {}


async def topic_error(admin: "Admin", topic: TopicName, error: "KafkaError", hint: str = _TOPIC_HINT) -> KconError:
    """Return why a topic cannot be used: NotFoundError with names near it, or the broker's own refusal."""
    if error.name != _MISSING:
        return error.as_exception(f"topic {topic}")
    near = await near_topics(admin, [topic.raw])
    return NotFoundError(f"Topic {topic} does not exist.", did_you_mean(near.get(topic.raw, ()), hint))


async def group_not_found(admin: "Admin", group: GroupId) -> NotFoundError:
    """Return the error of a group that does not exist, with names near it."""
    error = NotFoundError(f"Group {group} does not exist.", _GROUP_HINT)
    await hint_groups(admin, {group: error})
    return error


async def hint_groups(admin: "Admin", errors: Mapping[GroupId, KconError]) -> None:
    """Put names near the groups that were not found into the hints of their errors."""
    missing = [group for group, error in errors.items() if isinstance(error, NotFoundError)]
    if not missing:
        return
    with suppress(KconError):
        existing = [listing.group.raw for listing in (await admin.list_groups()).items]
        for group in missing[:ASKED_MAX]:
            errors[group].hint = did_you_mean(near_names(group.raw, existing), _GROUP_HINT)
