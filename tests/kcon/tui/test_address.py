"""Addresses read back as they are written, whatever is in a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.ids import group_id, topic_name
from kcon.errors import UsageError
from kcon.tui.address import Group, Groups, Overview, Records, Topic, Topics, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", Overview()),
        ("overview", Overview()),
        ("topics", Topics()),
        ("groups", Groups()),
        ("topic/orders", Topic(topic_name("orders"))),
        ("group/a%2Fb", Group(group_id("a/b"))),
        ("orders/3/48211", Records(topic_name("orders"), 3, "48211")),
        ("topic/orders/3", Records(topic_name("orders"), 3)),
        ("orders/0/@-1h", Records(topic_name("orders"), 0, "@-1h")),
    ],
)
def test_forms(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["nope", "topic/", "orders/x/1", "a/b/c/d", "orders/-1/2"])
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text)
    assert "topic/NAME" in refused.value.hint


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_written_address_reads_back(name: str) -> None:
    for address in (Topic(topic_name(name)), Group(group_id(name)), Records(topic_name(name), 2, "5")):
        assert parse_address(str(address)) == address
