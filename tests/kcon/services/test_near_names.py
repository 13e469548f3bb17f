"""Names near one that is not there: which are told, how many, and never at the cost of the error itself."""

from typing import Any

import pytest

from kcon.core.ids import group_id
from kcon.errors import ExitCode, KconError, NotFoundError
from kcon.services.groups import describe_groups, group_lag
from kcon.services.near_names import ASKED_MAX, NEAR_MAX, did_you_mean, near_names
from kcon.services.session import Session
from kcon.services.topic_look import why_topic
from kcon.services.topics import find_topics, list_topics


def test_the_nearest_names_come_first_and_at_most_three() -> None:
    existing = ["orders", "orders-dlq", "orders2", "order", "ordering", "clicks"]
    assert near_names("orderss", existing)[0] == "orders"
    assert near_names("ordesr", ["clicks", "orders"]) == ["orders"]
    assert len(near_names("orders1", existing)) == NEAR_MAX
    assert near_names("payments", existing) == []
    assert near_names("orders", []) == []


def test_case_makes_no_difference_and_the_name_itself_is_never_told() -> None:
    assert near_names("ORDERS", ["Orders", "clicks"]) == ["Orders"]
    assert near_names("orders", ["orders"]) == []


def test_names_of_kafka_itself_are_told_to_those_who_ask_for_one() -> None:
    existing = ["__consumer_offsets", "consumer_offset"]
    assert near_names("consumer_offsets", existing) == ["consumer_offset"]
    assert near_names("__consumer_offset", existing)[0] == "__consumer_offsets"


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        ([], "otherwise"),
        (["a"], "Did you mean a?"),
        (["a", "b"], "Did you mean a or b?"),
        (["a", "b", "c"], "Did you mean a, b or c?"),
        (["a\x1b[2J\x9b"], "Did you mean a␛[2J<9b>?"),
    ],
)
def test_a_hint_is_a_sentence_and_safe(names: list[str], hint: str) -> None:
    assert did_you_mean(names, "otherwise") == hint


def test_missing_topics_have_near_names(orders: Any, on_session: Any) -> None:
    for function in (find_topics, list_topics):
        found = on_session(function, ["ordesr", "clikcs", "payments"])
        assert found.missing == ["ordesr", "clikcs", "payments"]
        assert found.near == {"ordesr": ["orders"], "clikcs": ["clicks"], "payments": []}


def test_of_many_missing_topics_only_some_are_compared(orders: Any, on_session: Any) -> None:
    for count in (ASKED_MAX - 1, ASKED_MAX, ASKED_MAX + 1):
        found = on_session(find_topics, [f"order{index}" for index in range(count)])
        assert (len(found.missing), len(found.near)) == (count, min(count, ASKED_MAX))


def test_an_unknown_topic_is_an_error_with_near_names(orders: Any, on_session: Any) -> None:
    with pytest.raises(NotFoundError) as raised:
        on_session(why_topic, "order")
    assert raised.value.hint == "Did you mean orders?"
    assert raised.value.exit_code is ExitCode.NOT_FOUND


def test_an_unknown_group_is_an_error_with_near_names(orders: Any, on_session: Any) -> None:
    known = next(iter(orders.groups_by_id))
    wrong = known + "x"
    _, errors = on_session(describe_groups, [wrong])
    assert errors[group_id(wrong)].hint == f"Did you mean {known}?"
    report = on_session(group_lag, [wrong])
    assert report.group_errors[group_id(wrong)].hint == f"Did you mean {known}?"
    _, errors = on_session(describe_groups, ["nothing-like-it"])
    assert errors[group_id("nothing-like-it")].hint == "`kcon group list` shows the names."


def test_a_listing_that_fails_leaves_the_error_as_it_was(
    orders: Any, on_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise KconError("no listing")

    async def look(session: Session) -> Any:
        admin = await session.admin()
        monkeypatch.setattr(admin, "list_groups", refuse)
        return await describe_groups(session, ["nope"])

    _, errors = on_session(look)
    error = errors[group_id("nope")]
    assert (type(error), error.hint) == (NotFoundError, "`kcon group list` shows the names.")
