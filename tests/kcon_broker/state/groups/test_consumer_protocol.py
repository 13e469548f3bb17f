"""Are the topics of a subscription read, and is everything else "not known"?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.groups.consumer_protocol import subscribed_topics

FLIGHTS = bytes.fromhex("0000 00000001 0007 666c6967687473 ffffffff")
FLIGHTS_AND_WEATHER = bytes.fromhex("0003 00000002 0007 666c6967687473 0007 77656174686572 00000000 00000000")


def test_topics_of_all_members_are_joined() -> None:
    assert subscribed_topics([FLIGHTS, FLIGHTS_AND_WEATHER]) == frozenset({"flights", "weather"})


@pytest.mark.parametrize(
    "subscription",
    [b"", b"\0", bytes.fromhex("0000 00000001 0007 666c69"), bytes.fromhex("ffff 00000000"), b"\0\0\x7f\xff\xff\xff"],
)
def test_a_subscription_that_cannot_be_read_makes_the_topics_unknown(subscription: bytes) -> None:
    """Connect and others put their own bytes there: a guess would let offsets be deleted."""
    assert subscribed_topics([FLIGHTS, subscription]) is None


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_unknown(subscription: bytes) -> None:
    topics = subscribed_topics([subscription])
    assert topics is None or all(isinstance(topic, str) for topic in topics)
